"""Workload files: what they may hold, what they become, and that they survive being written."""

from __future__ import annotations

import json
import math
from datetime import date, datetime, timezone
from typing import TYPE_CHECKING, Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from job.errors import UsageError
from job.workload import document
from job.workload.calls import Arguments, Call, InstanceNumber, Target, parse_call, parse_target
from job.workload.forms import Agree, parse_agree
from job.workload.model import BUNDLED, Plan, Workload, build
from job.workload.reading import bundled, read_workload, schema, to_yaml

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
    assert workload.calls == (Call("instance", Arguments(args)), Call("instance"))
    assert workload.read == "instance"


def test_values_that_python_writes_in_no_literal_are_taken(tmp_path: Path) -> None:
    values = "[2026-11-22, 2026-11-22 10:00:00, .inf, -.inf, 1e-3, 1E3, '1e3', !!set {a}, ~]"
    workload, _ = written(tmp_path, COUNTER.replace("[clear]", f"[{{method: f, args: {values}}}]"))
    assert workload.calls[0].arguments.args == (
        date(2026, 11, 22), datetime(2026, 11, 22, 10, 0),  # noqa: DTZ001 - YAML without a zone
        math.inf, -math.inf, 0.001, 1000.0, "1e3", {"a"}, None,
    )  # fmt: skip


def test_a_byte_order_mark_and_windows_lines_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "windows.yml"
    path.write_bytes(b"\xef\xbb\xbf" + COUNTER.replace("\n", "\r\n").encode())
    assert build(read_workload(str(path)), {})[0].instances == 4


def test_an_alias_stands_for_a_value_of_its_own(tmp_path: Path) -> None:
    calls = "[{method: f, args: [&a [1], *a]}]"
    workload, _ = written(tmp_path, COUNTER.replace("[clear]", calls))
    first, second = workload.calls[0].arguments.args
    assert first == second
    assert first is not second


@pytest.mark.parametrize(
    ("text", "agree"),
    [
        ("exact", Agree()),
        ("1e-9", Agree("tolerance", 1e-9)),
        ("{tolerance: {relative: 1e-9, absolute: 0}}", Agree("tolerance", 1e-9)),
        ("{tolerance: {absolute: 0.5}}", Agree("tolerance", 0.0, 0.5)),
        ("{none: it is random}", Agree("none", reason="it is random")),
    ],
)
def test_agreement_is_exact_within_a_tolerance_or_none(
    tmp_path: Path, text: str, agree: Agree
) -> None:
    workload, _ = written(tmp_path, f"{COUNTER}agree: {text}\n")
    assert workload.agree == agree
    assert build(workload.model_dump(mode="json"), {})[0] == workload


def test_options_override_the_file_and_hide_its_mistakes(tmp_path: Path) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text(COUNTER + "agree: 1e-9\ntrials: 3\nserial: maybe\n")
    options = {"serial": "full", "instances": "9", "agree": "exact"}
    workload, plan = build(read_workload(str(path)), options)
    assert (workload.instances, workload.agree) == (9, Agree())
    assert (plan.trials, plan.serial) == (3, "full")


def test_a_new_target_drops_what_was_said_of_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text(COUNTER + "read: total\nagree: {none: it is random}\n")
    workload, _ = build(read_workload(str(path)), {"target": "random:Random"})
    assert (workload.calls, workload.read, workload.agree) == ((), None, Agree())


def test_mistakes_of_the_file_come_first_then_those_of_options(tmp_path: Path) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text(COUNTER + "warmups: -1\n")
    with pytest.raises(UsageError) as refused:
        build(read_workload(str(path)), {"instances": "0"})
    assert [line.split(" ")[0] for line in refused.value.message.splitlines()] == [
        f"{path}:4:", "--instances:",
    ]  # fmt: skip


# --- that they survive being written


MOMENTS = st.datetimes().map(lambda moment: moment.replace(fold=0))  # YAML has no folds
YAML = st.recursive(
    st.one_of(
        st.just(NUMBER), st.none(), st.booleans(), st.integers(), st.floats(), st.dates(),
        MOMENTS, MOMENTS.map(lambda moment: moment.replace(tzinfo=timezone.utc)),
        st.text(max_size=5), st.sampled_from(["instance", "1e3", "no", "<<", "=", "1:30"]),
        st.binary(max_size=5),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.text(max_size=5), st.integers()), inner, max_size=3),
    ),
    max_leaves=8,
)  # fmt: skip
# The sign of a complex number's zeros is not written: Python's sums would lose it.
COMPLEX = st.complex_numbers(allow_nan=False, allow_infinity=False).map(
    lambda value: complex(value.real + 0.0, value.imag + 0.0)
)
LITERALS = st.recursive(
    st.one_of(st.just(NUMBER), st.integers(), st.text(max_size=5), COMPLEX),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=4,
)
NAMES = st.sampled_from(["book", "instance", "größe", "_", "no", "null"])


def arguments(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Arguments]:
    return st.builds(
        Arguments,
        st.lists(values, max_size=3).map(tuple),
        st.dictionaries(NAMES, values, max_size=3),
    )


ARGUMENTS = st.one_of(arguments(YAML), arguments(LITERALS))
WORKLOADS = st.builds(
    Workload,
    target=st.builds(Target, st.sampled_from(["ledger", "a.b"]), NAMES, ARGUMENTS),
    instances=st.integers(1, 10**7),
    calls=st.lists(st.builds(Call, NAMES, ARGUMENTS, st.integers(1, 10**8)), max_size=3),
    read=st.one_of(st.none(), NAMES),
    agree=st.one_of(
        st.just(Agree()),
        st.builds(Agree, st.just("tolerance"), st.floats(0, 1), st.floats(0, 1e300)),
        st.builds(Agree, st.just("none"), reason=st.text(min_size=1)),
    ),
)
COUNTS = st.one_of(st.just("auto"), st.integers(1, 1000))
PLANS = st.builds(
    Plan, strategies=st.permutations(["serial", "actors", "sharded"]),
    trials=COUNTS, shards=COUNTS, calls_per_batch=COUNTS, threads_per_shard=COUNTS,
    serial=st.sampled_from(["full", "sample", "auto"]), timeout_s=st.floats(0.001, 10**7),
)  # fmt: skip


@settings(max_examples=60, deadline=None, derandomize=True)
@given(workload=WORKLOADS, plan=PLANS)
def test_a_valid_workload_survives_being_written_and_read(
    tmp_path_factory: pytest.TempPathFactory, workload: Workload, plan: Plan
) -> None:
    folder = tmp_path_factory.getbasetemp()
    again, plan_again = written(folder, to_yaml(workload, plan))
    assert repr(again) == repr(workload)  # NaN is equal to itself in no other way
    assert plan_again == plan


@pytest.mark.parametrize(
    "character", ["\n", "\r", "\x85", "\u2028", "\u2029", "\ufeff", "\U0010ffff"]
)
def test_what_yaml_takes_for_a_line_break_survives_in_values_and_keys(
    tmp_path: Path, character: str
) -> None:
    texts = [character, f"{character}a", f"a{character}", f"a{character}\n b: {character}"]
    # A date has no form as text: the call is written as a mapping.
    call = Call("f", Arguments((date(2026, 11, 22), texts, dict.fromkeys(texts, 1))))
    workload = Workload(target=parse_target("a:B"), instances=1, calls=(call,))
    assert written(tmp_path, to_yaml(workload))[0] == workload


@settings(max_examples=50, deadline=None, derandomize=True)
@given(call=st.builds(Call, st.just("book"), arguments(LITERALS), st.integers(1, 10**9)))
def test_a_call_survives_as_text(call: Call) -> None:
    assert parse_call(str(call)) == call
    target = Target("ledger", "Ledger.of", call.arguments)
    assert parse_target(str(target)) == target


def test_a_value_without_a_form_is_refused() -> None:
    call = Call("f", Arguments((object(),)))
    workload = Workload(target=parse_target("a:B"), instances=1, calls=(call,))
    with pytest.raises(UsageError, match="cannot be written as YAML"):
        to_yaml(workload)


# --- what is bundled, and what editors are told


def test_every_bundled_workload_is_valid_and_says_what_it_shows() -> None:
    assert "counter" in bundled()
    for name, shows in bundled().items():
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
    for wrong in ({"instnaces": 4}, {"instances": 0}, {"calls": "clear"}, {"shards": "many"}):
        assert not check.is_valid(valid | wrong)
    assert not check.is_valid(valid | {"agree": {}})


def test_the_schema_describes_every_key() -> None:
    described = schema()
    for part in (described, *described["$defs"].values()):
        assert all("description" in each for each in part["properties"].values())
    assert json.loads(json.dumps(described)) == described


@pytest.mark.parametrize("text", ["", "nan", "inf", "0", "-1e-9", "2", "exact-ish"])
def test_a_tolerance_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="it takes exact, a relative tolerance such as 1e-9"):
        parse_agree(text)


def test_a_place_is_spelt_as_python_does() -> None:
    assert document.spell(("calls", 1, "kwargs", "a")) == "calls[1].kwargs.a"
