"""Workload and Plan: what options and keys become, and each refusal with its bounds."""

from __future__ import annotations

import collections
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from job.errors import UsageError
from job.workload.calls import Call, InstanceNumber, RepetitionNumber, Target, parse_target
from job.workload.importing import load_target
from job.workload.keys import KEYS, flag
from job.workload.model import STRATEGIES, Agree, Plan, Workload
from job.workload.reading import build, read_workload

if TYPE_CHECKING:
    from collections.abc import Mapping

LEDGER = {
    "target": "ledger:Ledger(start=instance)",
    "instances": 6,
    "calls": ["book(7) * 50", "close()"],
    "read": "total",
}
HINT = "`--help` lists the options and what they take."


def refusal(options: Mapping[str, object], keys: Mapping[str, object] = LEDGER) -> UsageError:
    with pytest.raises(UsageError) as refused:
        build(keys, options)
    return refused.value


# --- what is built


def test_the_bundled_workload_is_the_well_known_one() -> None:
    workload, plan = build(read_workload("counter"), {})
    assert str(workload) == "4 x job.targets.counter:Counter(delay=1.0): increment() * 2, then read"
    assert workload.calls_per_instance == 2
    assert plan == Plan()
    assert (plan.trials, plan.warmups) == (1, 0)


def test_keys_become_parsed_records() -> None:
    workload, _ = build(LEDGER, {})
    assert workload.target == Target("ledger", "Ledger", (), {"start": InstanceNumber()})
    assert workload.calls == (Call("book", (7,), times=50), Call("close"))
    assert workload.calls_per_instance == 51


def test_an_option_replaces_its_key_and_no_other() -> None:
    workload, plan = build(LEDGER, {"instances": "9", "calls": ("close()",), "trials": "3"})
    assert (workload.instances, workload.calls, workload.read) == (9, (Call("close"),), "total")
    assert workload.target.name == "Ledger"
    assert plan.trials == 3


def test_options_that_were_not_given_change_nothing() -> None:
    assert build(LEDGER, {"instances": None, "calls": (), "read": None, "target": None}) == build(
        LEDGER, {}
    )


def test_a_new_target_drops_what_was_said_of_the_old_one() -> None:
    keys = LEDGER | {"agree": {"none": "it is random"}, "close": "close"}
    workload, _ = build(keys, {"target": "collections:Counter"})
    assert (workload.instances, workload.calls, workload.read) == (6, (), None)
    assert (workload.agree, workload.close) == (Agree(), None)
    assert str(workload) == "6 x collections:Counter: no calls"


def test_a_new_target_keeps_the_calls_and_the_read_given_with_it() -> None:
    options = {"target": "collections:Counter", "calls": ("clear()",), "read": "total"}
    workload, _ = build(LEDGER, options)
    assert (workload.calls, workload.read) == ((Call("clear"),), "total")


def test_strategies_are_named_with_commas_between_them() -> None:
    _, plan = build(LEDGER, {"strategies": "actors, serial"})
    assert plan.strategies == ("actors", "serial")


def test_the_plan_may_stand_in_the_file_beside_the_workload() -> None:
    _, plan = build(LEDGER | {"trials": 3, "timeout_s": 5}, {"trials": "2"})
    assert (plan.trials, plan.timeout_s) == (2, 5.0)


@pytest.mark.parametrize("instances", ["1", "10000000"])
def test_the_bounds_themselves_are_allowed(instances: str) -> None:
    workload, _ = build(LEDGER, {"instances": instances, "calls": ("close * 1000000000",)})
    assert workload.instances == int(instances)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    amounts=st.lists(
        st.one_of(
            st.integers(), st.text(max_size=3), st.floats(allow_nan=False, allow_infinity=False)
        )
    ),
    times=st.lists(st.integers(1, 10**6), max_size=3),
    instances=st.integers(1, 10**7),
)
def test_a_workload_survives_its_own_json(
    amounts: list[object], times: list[int], instances: int
) -> None:
    args, kwargs = tuple(amounts), dict[str, object](start=InstanceNumber())
    workload = Workload(
        target=Target("ledger", "Ledger", args, kwargs),
        instances=instances,
        calls=tuple(Call("book", args, kwargs, n) for n in times),
        read="total",
    )
    again, _ = build(workload.model_dump(mode="json"), {})
    assert again == workload


# --- what is refused


@pytest.mark.parametrize(
    ("options", "message"),
    [
        *[
            ({key: value}, f"{flag(key)}: {value!r} is not allowed: it says {KEYS[key]}")
            for key, value in [
                ("instances", "0"),
                ("instances", "1000000000"),
                ("instances", "1e3"),
                ("instances", ""),
                ("trials", "0"),
                ("warmups", "-1"),
                ("timeout_s", "0"),
                ("timeout_s", "nan"),
                ("startup_timeout_s", "inf"),
                ("cpus_per_actor", "0"),
                ("read", "total()"),
            ]
        ],
        (
            {"strategies": "serial,serial"},
            f"--strategies: 'serial, serial' names none, or one twice, of {', '.join(STRATEGIES)}",
        ),
        (
            {"target": "Counter"},
            (
                "--target: 'Counter' is no target: it is written module:Class, such as "
                "collections:Counter"
            ),
        ),
    ],
)
def test_a_value_that_is_not_allowed_is_named_with_what_is(
    options: Mapping[str, object], message: str
) -> None:
    error = refusal(options)
    assert error.message == message
    assert error.hint == HINT
    assert error.exit_code == 2


def test_a_call_that_is_no_literal_is_told_with_what_is_allowed() -> None:
    message = refusal({"calls": ("close()", "book(open('x'))")}).message
    assert message.startswith("--call: \"book(open('x'))\": open('x') ")
    assert "a factory function or a wrapper class of six lines makes the rest" in message


@pytest.mark.parametrize(
    "target",
    [
        "a:B(repetition)",
        "a:B([instance + repetition])",
        {"module": "a", "name": "B", "kwargs": {"k": RepetitionNumber()}},
    ],
)
def test_a_repetition_is_refused_where_an_instance_is_made(target: object) -> None:
    message = refusal({}, LEDGER | {"target": target}).message
    assert message == "--target: `repetition` is a call's number: an instance is made once"


def test_methods_and_reads_can_be_of_a_part() -> None:
    calls = ["motor.step(2) * 3", {"method": "motor.arm.stop"}]
    workload, _ = build({**LEDGER, "calls": calls, "read": "unwrapped.state"}, {})
    assert [call.method for call in workload.calls] == ["motor.step", "motor.arm.stop"]
    assert workload.read == "unwrapped.state"
    assert "--read: 'a..b' is not allowed" in refusal({"read": "a..b"}).message


@pytest.mark.parametrize("key", ["cpus_per_actor", "trials"])
def test_an_option_that_takes_a_number_or_auto_complains_once(key: str) -> None:
    message = refusal({key: "many"}).message
    assert message.startswith(f"--{key.replace('_', '-')}: 'many' is not allowed:")
    assert "or auto" in message
    assert "\n" not in message


@pytest.mark.parametrize("names", ["seriall", "serial,actor", ""])
def test_an_unknown_strategy_is_answered_with_the_known_ones(names: str) -> None:
    message = refusal({"strategies": names}).message
    assert message == (
        f"--strategies: {names.rpartition(',')[2]!r} is not allowed: it says which strategies take "
        f"turns, in this order: {', '.join(STRATEGIES)} (by default all that may be the quickest)"
    )


def test_all_that_is_wrong_is_told_at_once_a_line_each() -> None:
    lines = refusal({"instances": "0", "calls": ("7",), "trials": "0"}).message.splitlines()
    assert [line.split(":")[0] for line in lines] == ["--instances", "--call", "--trials"]


def test_a_key_that_does_not_exist_is_refused() -> None:
    assert "--instnaces" in refusal({}, LEDGER | {"instnaces": 3}).message


@pytest.mark.parametrize("key", ["target", "instances", "calls"])
def test_a_key_that_is_missing_is_named(key: str) -> None:
    keys = {name: value for name, value in LEDGER.items() if name != key}
    assert f"--{key.removesuffix('s') if key == 'calls' else key}: " in refusal({}, keys).message


def test_too_many_calls_in_all_are_refused_though_each_is_allowed() -> None:
    error = refusal({"calls": ("book(1) * 1000000000", "close()")})
    assert error.message == (
        "--call: 1,000,000,001 on each instance are not allowed: at most 1,000,000,000"
    )


# --- what a target names


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def failure_to_load(text: str) -> UsageError:
    with pytest.raises(UsageError) as refused:
        load_target(parse_target(text))
    return refused.value


@pytest.mark.parametrize("name", ["Counter", "Counter.fromkeys", "namedtuple"])
def test_any_class_or_function_can_be_a_target(name: str) -> None:
    expected: object = collections
    for part in name.split("."):
        expected = getattr(expected, part)
    assert load_target(parse_target(f"collections:{name}")) == expected


def test_a_module_that_is_missing_is_named_with_where_it_was_looked_for(folder: Path) -> None:
    error = failure_to_load("no_such_module_here:Counter(1)")
    assert error.message == (
        "target no_such_module_here:Counter(1): module 'no_such_module_here' cannot be imported "
        "(ModuleNotFoundError: No module named 'no_such_module_here')"
    )
    assert str(folder) in error.hint


def test_only_folders_are_said_to_have_been_searched(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = "__editable__.something-0.1.0.finder.__path_hook__"
    monkeypatch.setattr(sys, "path", [hook, str(folder)])
    hint = failure_to_load("no_such_module_here:Counter").hint
    assert hint == f"It was looked for in {folder} and in what is installed."


def test_a_src_layout_is_answered_with_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "src" / "ledgers_in_src").mkdir(parents=True)
    (tmp_path / "src" / "till_in_src.py").touch()
    (tmp_path / "tests").mkdir()
    monkeypatch.chdir(tmp_path)
    hint = "It lies in src: add --module-path src."
    assert failure_to_load("ledgers_in_src.books:Ledger").hint == hint
    assert failure_to_load("till_in_src:Till").hint == hint
    monkeypatch.chdir(tmp_path / "tests")
    hint = "It lies in ../src: add --module-path ../src."
    assert failure_to_load("ledgers_in_src:Ledger").hint == hint


@pytest.mark.parametrize("text", ["job.ledgers:Ledger", "job:Ledger"])
def test_a_package_with_our_name_is_told_that_it_is_taken(text: str) -> None:
    hint = "The name 'job' is taken, by this very package: give yours another."
    assert failure_to_load(text).hint == hint


@pytest.mark.parametrize(
    ("module", "source", "reason"),
    [
        ("raises_at_import", "raise RuntimeError('no licence')", "RuntimeError: no licence"),
        ("exits_at_import", "raise SystemExit('bye')", "SystemExit: bye"),
        ("no_python_at_all", "def (", "SyntaxError: "),
        ("imports_what_is_missing", "import no_such_module_there", "No module named"),
    ],
)
def test_a_module_that_fails_is_told_with_its_own_error(
    folder: Path, module: str, source: str, reason: str
) -> None:
    (folder / f"{module}.py").write_text(source)
    error = failure_to_load(f"{module}:Counter")
    assert f"module {module!r} cannot be imported" in error.message
    assert reason in error.message


def test_a_class_that_is_missing_is_answered_with_those_there_are(folder: Path) -> None:
    source = "class Ledger: pass\nclass Account: pass\nclass _Hidden: pass\ntotal = 7\n"
    (folder / "ledgers_of_ours.py").write_text(source)
    error = failure_to_load("ledgers_of_ours:Leger")
    assert error.message == "target ledgers_of_ours:Leger: 'ledgers_of_ours' has no 'Leger'"
    assert error.hint == "Classes there: Account, Ledger."


def test_a_name_below_what_has_no_names_is_refused() -> None:
    assert "has no 'nothing'" in failure_to_load("math:pi.nothing").message


def test_what_cannot_be_called_is_no_target() -> None:
    message = failure_to_load("math:pi").message
    assert message == "target math:pi: 'pi' is not a class or a function that makes one"


def test_in_a_job_what_is_missing_is_told_with_how_to_take_it_along(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "imports_what_nobody_has.py").write_text("import no_such_module_there")
    missing = "imports_what_nobody_has:Counter", "no_such_module_here:Counter"
    assert not any("make submit" in failure_to_load(text).hint for text in missing)
    assert "install 'no_such_module_there'" in failure_to_load(missing[0]).hint
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}")
    for text in missing:
        hint = failure_to_load(text).hint
        assert "make submit WITH=PATH for your own, PIP=NAME for what pip installs" in hint


@pytest.mark.parametrize("path", ["rates_of_nobody.csv", "data/rates.csv"])
def test_a_file_that_is_missing_at_import_is_told_where_it_was_looked_for(
    folder: Path, path: str
) -> None:
    (folder / "reads_at_import.py").write_text(f"open({path!r})")
    hint = failure_to_load("reads_at_import:Counter").hint
    assert hint.startswith(f"It was looked for in {Path.cwd()}. ")
    assert "Path(__file__).parent" in hint


def test_a_missing_file_that_is_named_in_full_was_looked_for_there(folder: Path) -> None:
    (folder / "reads_in_full.py").write_text("open('/no/such/file')")
    hint = failure_to_load("reads_in_full:Counter").hint
    assert hint == "The module is there: mend it, or install what it imports."
