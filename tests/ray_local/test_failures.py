"""What goes wrong ends in a sentence and an exit code, never in a traceback."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from tests.ray_local.running import HOST, TARGETS, Command, Ended, Head, free_port, poll

if TYPE_CHECKING:
    from pathlib import Path


def check(ended: Ended, code: int, *words: str) -> None:
    """Compare code and message; what is told on stderr is told without a traceback."""
    assert ended.code == code, ended
    for word in words:
        assert word in ended.stderr, ended
    assert "Traceback" not in ended.stderr, ended
    assert "Verdict   Use" not in ended.stdout, ended


def fragile(where: str, breaks: int = 1) -> tuple[str, ...]:
    target = f"ledgers:Fragile(instance, breaks={breaks}, where={where!r})"
    return ("--target", target, "--call", "step() * 4", "--read", "read", "--instances", "2")


# --- the cluster


def test_an_address_where_nothing_listens(folder: Path) -> None:
    address = f"{HOST}:{free_port()}"
    ended = Command(folder, address=address).run(*fragile("nowhere"))
    check(ended, 3, f"{address}: cannot connect", "Is the cluster up")


@pytest.mark.release
def test_an_address_that_accepts_and_never_answers(folder: Path) -> None:
    with socket.create_server((HOST, 0)) as mute:
        address = f"{HOST}:{mute.getsockname()[1]}"
        ended = Command(folder, address=address).run(*fragile("nowhere"))
    check(ended, 3, address, "it is not Ray's GCS")


@pytest.mark.quick("wrong")
@pytest.mark.parametrize(
    ("token", "reason"),
    [("0" * 64, "its token is wrong"), ("", "there is none here")],
    ids=["wrong", "missing"],
)
def test_a_token_that_is_wrong_or_missing(
    head: Head, folder: Path, token: str, reason: str
) -> None:
    ended = Command(folder, address=head.address, token=token).run(*fragile("nowhere"))
    check(ended, 3, head.address, reason, "RAY_AUTH_TOKEN", "~/.ray/auth_token")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://10.0.0.5:8265", ["ray job submit", "10.0.0.5:6379"]),
        ("ray://10.0.0.5:10001", ["Ray Client is not supported", "10.0.0.5:6379"]),
        ("somewhere", ["not an address", "HOST:PORT"]),
    ],
)
def test_an_address_of_another_form(folder: Path, address: str, words: list[str]) -> None:
    check(Command(folder, address=address).run(), 2, "--address", address, *words)
    check(Command(folder).run(RAY_ADDRESS=address), 2, "RAY_ADDRESS", *words)


def test_an_actor_bigger_than_every_node_is_refused_before_the_serial_loop(
    command: Command, marks: Path
) -> None:
    ended = command.run(
        "--target", f"markers:Marker({str(marks)!r})", "--call", "step()",
        "--strategies", "serial,actors", "--cpus-per-actor", "64",
    )  # fmt: skip
    check(ended, 3, "actors: cannot be placed: an actor needs 64 CPUs on one node", "has 2")
    assert (marks / "first init").exists()
    assert not (marks / "driver init").exists()


# --- the target


@pytest.mark.quick("broken:Class-words1")
@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("nowhere:Class", ["'nowhere' cannot be imported", "No module named", str(TARGETS)]),
        ("broken:Class", ["'broken' cannot be imported", "OSError: no such luck"]),
        ("ledgers:Legder", ["'ledgers' has no 'Legder'", "Bulky, Fragile, Hog, Ledger, Sleepy"]),
    ],
)
def test_a_target_that_cannot_be_imported(folder: Path, target: str, words: list[str]) -> None:
    check(Command(folder).run("--target", target), 2, target, *words)


def test_a_target_that_cannot_be_made(folder: Path) -> None:
    ended = Command(folder).run("--target", "ledgers:Unmarried")
    check(ended, 4, "instance 0", "RuntimeError: not today", f"{TARGETS / 'ledgers.py'}, line ")


def test_a_method_that_the_target_has_not(folder: Path) -> None:
    ended = Command(folder).run("--target", "ledgers:Ledger", "--call", "burn()")
    check(ended, 2, "--call burn(): Ledger has no method 'burn'", "book, reverse")


@pytest.mark.quick("actors")
@pytest.mark.parametrize("strategies", ["serial,actors", "actors"])
def test_a_third_call_that_raises_is_named_with_its_instance(
    command: Command, strategies: str
) -> None:
    ended = command.run(*fragile("call 3"), "--strategies", strategies)
    where = "(on the driver)" if "serial" in strategies else "(on "
    check(ended, 4, "instance 1, call 3, step() * 4: ValueError: made of glass", where)
    assert f"{TARGETS / 'ledgers.py'}, line " in ended.stderr


@pytest.mark.release
def test_a_constructor_that_raises_on_the_cluster_only(command: Command) -> None:
    ended = command.run(*fragile("init"), "--strategies", "actors")
    check(ended, 4, "actors: instance 1, ledgers:Fragile(", "ValueError: made of glass (on ")


@pytest.mark.release
def test_a_call_that_always_ends_its_process(command: Command, head: Head) -> None:
    ended = command.run(*fragile("death"), "--strategies", "actors")
    check(ended, 4, "instance 1, call 1, step() * 4: it ended the process of three actors")
    poll(lambda: head.actors() == [], "no actor is left")


def test_states_that_disagree(command: Command) -> None:
    ended = command.run(*fragile("pid"), "--strategies", "serial,actors")
    check(ended, 5, "states disagree: instance 1 is ", "after serial and ", "after actors")
    assert "States    serial" in ended.stdout, ended
    assert "they agree" not in ended.stdout, ended


# --- files


@pytest.mark.parametrize("name", ["no/such/folder/results.json", "."])
def test_an_output_that_cannot_be_written_is_refused_before_anything_runs(
    command: Command, marks: Path, name: str
) -> None:
    output = marks / name
    ended = command.run("--target", f"markers:Marker({str(marks)!r})", "--output", str(output))
    check(ended, 6, f"--output {output}: cannot be written")
    assert list(marks.iterdir()) == []


@pytest.mark.quick("sharded")
@pytest.mark.parametrize("strategy", ["actors", "sharded"])
def test_an_exception_is_told_in_a_few_lines_whatever_else_was_under_way(
    command: Command, strategy: str
) -> None:
    ended = command.run(
        "--target", "ledgers:Fragile(instance, breaks=1, where='call 8')", "--instances", "2",
        "--call", "step() * 500", "--read", "read", "--strategies", strategy, "--shards", "2",
        "--calls-per-batch", "1",
    )  # fmt: skip
    check(ended, 4, "instance 1, call 8, ")
    assert len(ended.stderr.splitlines()) < 10, ended
