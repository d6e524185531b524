"""Workload files: what they may hold, what they become, and what editors are told of them."""

from __future__ import annotations

import json
import math
from datetime import date, datetime
from typing import TYPE_CHECKING

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from job.errors import UsageError
from job.workload.calls import Call, InstanceNumber
from job.workload.keys import KEYS
from job.workload.model import Agree, Plan, Tolerance, Workload
from job.workload.reading import BUNDLED, build, list_bundled, read_workload, schema

if TYPE_CHECKING:
    from pathlib import Path

NUMBER = InstanceNumber()
COUNTER = "target: collections:Counter\ninstances: 4\ncalls: [clear]\n"


def written(folder: Path, text: str) -> tuple[Workload, Plan]:
    path = folder / "workload.yaml"
    path.write_text(text, "utf-8")
    return build(read_workload(str(path)), {})


# --- what files hold


def test_texts_and_mappings_become_the_same_records(tmp_path: Path) -> None:
    texts, _ = written(
        tmp_path,
        "target: ledger:Ledger(3, start=instance)\ninstances: 6\n"
        "calls: ['book(7, note=\"rent\") * 50', close]\n",
    )
    mappings, _ = written(
        tmp_path,
        "target: {module: ledger, name: Ledger, args: [3], kwargs: {start: instance}}\n"
        "instances: 6\ncalls:\n"
        "  - {method: book, args: [7], kwargs: {note: rent}, times: 50}\n"
        "  - {method: close}\n",
    )
    assert texts == mappings


def test_instance_is_the_number_without_quotes_and_a_word_within(tmp_path: Path) -> None:
    text = COUNTER + "read: instance\n"
    call = "  - {method: instance, args: [instance, 'instance', [{instance: 1}]]}\n"
    workload, _ = written(tmp_path, text.replace("[clear]", f"\n{call}  - instance"))
    args = (NUMBER, "instance", [{NUMBER: 1}])
    assert workload.calls == (Call("instance", args), Call("instance"))
    assert workload.read == "instance"


def test_numbers_that_vary_are_written_without_quotes(tmp_path: Path) -> None:
    values = "[repetition, instance * 100 + repetition, -1 * (instance + 1), 'instance + 1', 7]"
    text = f"\n  - {{method: motor.step, args: {values}}}\n  - repetition"
    workload, _ = written(tmp_path, COUNTER.replace("[clear]", text) + "read: motor.state\n")
    assert workload.calls[0].arguments(2, 5)[0] == [5, 205, -3, "instance + 1", 7]
    assert workload.calls == (Call("motor.step", workload.calls[0].args), Call("repetition"))
    assert workload.read == "motor.state"
    with pytest.raises(UsageError, match=r":3: 'instance // 0' cannot be read \(instance // 0 div"):
        written(tmp_path, COUNTER.replace("[clear]", "[{method: f, args: [instance // 0]}]"))


def test_values_that_python_writes_in_no_literal_are_taken(tmp_path: Path) -> None:
    values = "[2026-11-22, 2026-11-22 10:00:00, .inf, -.inf, 1e-3, 1E3, '1e3', !!set {a}, ~]"
    workload, _ = written(tmp_path, COUNTER.replace("[clear]", f"[{{method: f, args: {values}}}]"))
    assert workload.calls[0].args == (
        date(2026, 11, 22), datetime(2026, 11, 22, 10, 0),  # noqa: DTZ001 - YAML without a zone
        math.inf, -math.inf, 0.001, 1000.0, "1e3", {"a"}, None,
    )  # fmt: skip


def test_a_byte_order_mark_and_windows_lines_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "windows.yml"
    path.write_bytes(b"\xef\xbb\xbf" + COUNTER.replace("\n", "\r\n").encode())
    assert build(read_workload(str(path)), {})[0].instances == 4


def test_an_alias_stands_for_the_value_it_names(tmp_path: Path) -> None:
    calls = "[{method: f, args: [&a [1], *a]}]"
    workload, _ = written(tmp_path, COUNTER.replace("[clear]", calls))
    assert workload.calls == (Call("f", ([1], [1])),)
    (first, second), _ = workload.calls[0].arguments(0)
    assert first is not second


@pytest.mark.parametrize(
    ("text", "agree"),
    [
        ("exact", Agree()),
        ("1e-9", Agree(tolerance=Tolerance(relative=1e-9))),
        ("{tolerance: {relative: 1e-9, absolute: 0}}", Agree(tolerance=Tolerance(relative=1e-9))),
        ("{tolerance: {absolute: 0.5}}", Agree(tolerance=Tolerance(absolute=0.5))),
        ("{tolerance: {}}", Agree()),
        ("{none: it is random}", Agree(none="it is random")),
    ],
)
def test_agreement_is_exact_within_a_tolerance_or_none(
    tmp_path: Path, text: str, agree: Agree
) -> None:
    workload, _ = written(tmp_path, f"{COUNTER}agree: {text}\n")
    assert workload.agree == agree
    assert build(workload.model_dump(mode="json"), {})[0] == workload


@pytest.mark.parametrize("said", ["drop", "bring"])
def test_what_calls_return_is_dropped_or_brought(tmp_path: Path, said: str) -> None:
    workload, _ = written(tmp_path, f"{COUNTER}returns: {said}\n")
    assert (workload.returns, written(tmp_path, COUNTER)[0].returns) == (said, "drop")
    assert build(workload.model_dump(mode="json"), {})[0] == workload
    assert build(read_workload("counter"), {"returns": said})[0].returns == said
    with pytest.raises(UsageError, match=r"returns: 'keep' is not allowed: it says .* drop, "):
        written(tmp_path, f"{COUNTER}returns: keep\n")


def test_a_new_target_brings_nothing_of_what_the_old_ones_calls_returned(tmp_path: Path) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text(COUNTER + "returns: bring\n")
    assert build(read_workload(str(path)), {"target": "random:Random"})[0].returns == "drop"


def test_options_override_the_file_and_hide_its_mistakes(tmp_path: Path) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text(COUNTER + "agree: 1e-9\ntrials: 3\nserial: maybe\n")
    options = {"serial": "full", "instances": "9", "agree": "exact"}
    workload, plan = build(read_workload(str(path)), options)
    assert (workload.instances, workload.agree) == (9, Agree())
    assert (plan.trials, plan.serial) == (3, "full")


def test_mistakes_of_the_file_come_first_then_those_of_options(tmp_path: Path) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text(COUNTER + "warmups: -1\n")
    with pytest.raises(UsageError) as refused:
        build(read_workload(str(path)), {"instances": "0"})
    assert [line.split(" ")[0] for line in refused.value.message.splitlines()] == [
        f"{path}:4:", "--instances:",
    ]  # fmt: skip


# --- what is bundled, and what editors are told


def test_every_bundled_workload_is_valid_and_says_what_it_shows() -> None:
    assert "counter" in list_bundled()
    for name, shows in list_bundled().items():
        build(read_workload(name), {})
        assert len(shows) > 10


def test_the_schema_takes_what_is_valid_and_nothing_else() -> None:
    described = schema()
    check = jsonschema.Draft202012Validator(described)
    check.check_schema(described)
    for path in BUNDLED.glob("*.yaml"):
        assert check.is_valid(yaml.safe_load(path.read_text()))
    valid = yaml.safe_load(COUNTER)
    assert check.is_valid(valid | {"agree": 1e-9, "read": None, "shards": "auto"})
    assert check.is_valid(valid | {"returns": "bring"})
    assert not check.is_valid(valid | {"returns": "keep"})
    for wrong in ({"instnaces": 4}, {"instances": 0}, {"calls": "clear"}, {"shards": "many"}):
        assert not check.is_valid(valid | wrong)
    assert not check.is_valid(valid | {"agree": {"tolerance": 3}})


def test_a_saved_plan_says_auto_where_a_file_does() -> None:
    saved = Plan().model_dump(mode="json")
    automatic = {key for key, value in saved.items() if value == "auto"}
    assert {"shards", "calls_per_batch", "threads_per_shard", "cpus_per_actor"} < automatic
    assert Plan(**saved) == Plan()


def test_the_schema_describes_every_key() -> None:
    described = schema()
    for part in (described, *described["$defs"].values()):
        assert all("description" in each for each in part["properties"].values())
    assert json.loads(json.dumps(described)) == described


@pytest.mark.parametrize("text", ["", "nan", "inf", "0", "-1e-9", "2", "exact-ish"])
def test_a_tolerance_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="when states count as equal: exact, or a relative"):
        written(tmp_path, f"{COUNTER}agree: '{text}'\n")


def test_what_a_key_is_said_to_take_names_the_bounds_that_it_has() -> None:
    described = schema()
    for part in (described, *described["$defs"].values()):
        for key, each in part["properties"].items():
            for form in each.get("anyOf", [each]):
                bounds = {f"{form[bound]:,}" for bound in ("minimum", "maximum") if bound in form}
                missing = {bound for bound in bounds if bound not in KEYS[key]}
                assert not missing, key


def test_a_wrong_key_of_an_option_is_named() -> None:
    keys = {"target": "m:C", "instances": 1, "calls": []}
    with pytest.raises(UsageError, match="--actor-options: num_gpu: there is no such key: the nea"):
        build(keys, {"actor_options": "num_gpu=1"})
