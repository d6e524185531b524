"""Targets and calls as they are written: what they mean, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from job.errors import UsageError
from job.workload.calls import (
    Arithmetic,
    Call,
    InstanceNumber,
    RepetitionNumber,
    Target,
    fill_in,
    parse_call,
    parse_target,
    spell,
)

NUMBER, REPETITION = InstanceNumber(), RepetitionNumber()
FEW = settings(max_examples=60, deadline=None, derandomize=True)

_OPERANDS = st.one_of(
    st.just(NUMBER), st.just(REPETITION), st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
)  # fmt: skip
VARYING = st.recursive(
    st.one_of(st.just(NUMBER), st.just(REPETITION)),
    lambda inner: (
        st.builds(
            Arithmetic,
            st.one_of(inner, _OPERANDS),
            st.sampled_from("+-*"),
            st.one_of(inner, _OPERANDS),
        )
        | st.builds(Arithmetic, inner, st.sampled_from(["//", "%"]), inner)
    ),
    max_leaves=6,
)
_SCALARS = st.one_of(
    VARYING, st.none(), st.booleans(), st.integers(), st.text(max_size=5),
    st.floats(allow_nan=False, allow_infinity=False), st.binary(max_size=5),
)  # fmt: skip
_KEYS = st.one_of(_SCALARS, st.tuples(_SCALARS, _SCALARS))
LITERALS = st.recursive(
    st.one_of(_SCALARS, st.sets(_KEYS, max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(_KEYS, inner, max_size=3),
    ),
    max_leaves=8,
)
ARGS = st.lists(LITERALS, max_size=3).map(tuple)
KWARGS = st.dictionaries(st.sampled_from(["note", "instance", "größe", "_"]), LITERALS, max_size=3)


# --- calls


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("close", Call("close")),
        ("close()", Call("close")),
        ("close * 3", Call("close", times=3)),
        ("close() * 1", Call("close")),
        ('book(7, note="rent") * 50', Call("book", (7,), {"note": "rent"}, 50)),
        ("  book( -1 )\n", Call("book", (-1,))),
        ("f(1e999, -1e999)", Call("f", (float("inf"), float("-inf")))),
        ("f(1 + 2j, b'x', None)", Call("f", (1 + 2j, b"x", None))),
        ("f('a' 'b', set(), ())", Call("f", ("ab", set(), ()))),
        ("f(instance)", Call("f", (NUMBER,))),
        (
            "f([instance, (1, {instance: instance})], key={instance, 2})",
            Call("f", ([NUMBER, (1, {NUMBER: NUMBER})],), {"key": {NUMBER, 2}}),
        ),
        ("f('instance')", Call("f", ("instance",))),
        ("f() * 1_000_000_000", Call("f", times=10**9)),
        ("motor.arm.step(1) * 2", Call("motor.arm.step", (1,), times=2)),
        ("f(repetition)", Call("f", (REPETITION,))),
        ("f(60 * 60)", Call("f", (Arithmetic(60, "*", 60),))),
        (
            "work(instance * 100 + repetition) * 300",
            Call("work", (Arithmetic(Arithmetic(NUMBER, "*", 100), "+", REPETITION),), times=300),
        ),
        ("f([-2 % instance])", Call("f", ([Arithmetic(-2, "%", NUMBER)],))),
        ("f(repetition // 2.5)", Call("f", (Arithmetic(REPETITION, "//", 2.5),))),
    ],
)
def test_a_call_is_read_as_python_writes_it(text: str, call: Call) -> None:
    assert parse_call(text) == call


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not written as Python writes it"),
        ("book(7", "is not written as Python writes it"),
        ("book(\0)", "is not written as Python writes it"),
        ("class()", "is not written as Python writes it"),
        ("book().close()", "is no call: it is written method(arguments) * times"),
        ("None.close()", "is no call"),
        ("books[0].close()", "is no call"),
        ("f(7 // 0)", "7 // 0 divides by 0"),
        ("f([instance % 0.0])", "instance % 0.0] divides by 0"),
        ("7", "is no call"),
        ("f()()", "is no call"),
        ("f() * 3 * 2", "is no call"),
        ("f() * 0", "what follows * must be a whole number, 1 to 1,000,000,000"),
        ("f() * 1_000_000_001", "what follows * must be a whole number"),
        ("f() * 10**9", "what follows * must be a whole number"),
        ("f() * True", "what follows * must be a whole number"),
        ("3 * f()", "what follows * must be a whole number"),
    ],
)
def test_what_is_no_call_of_literals_is_refused_with_the_reason(text: str, says: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_call(text)
    assert says in refused.value.message


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("f(open('x'))", "open('x')"),
        ("f(amount)", "amount"),
        ("f(key=amount)", "amount"),
        ("f(instance ** 2)", "instance ** 2"),
        ("f(instance / 2)", "instance / 2"),
        ("f(instance + 1e999)", "instance + 1e"),
        ("f(instance * 2j)", "instance * 2j"),
        ("f(instance + True)", "instance + True"),
        ("f(instance.real)", "instance.real"),
        ("f(instance * 'a')", "instance * 'a'"),
        ("f(-instance)", "-instance"),
        ("f([instance] * 2)", "[instance] * 2"),
        ("f([[lambda: 0]])", "[[lambda: 0]]"),
        ("f(*[1])", "*[1]"),
        ("f(**{'a': 1})", "**{'a': 1}"),
        ("f({**{}})", "{**{}}"),
        ("f({[1]})", "{[1]}"),
        ("f({(instance, [1]): 2})", "{(instance, [1]): 2}"),
        ("f(__import__('os').abort())", "__import__('os').abort()"),
        ("f(f'{instance}')", "f'{instance}'"),
    ],
)
def test_what_is_more_than_a_literal_is_pointed_at(text: str, part: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_call(text)
    assert refused.value.message.startswith(f"{text!r}: {part}")
    assert refused.value.hint == (
        "Between the parentheses only literals, `instance`, `repetition` and + - * // % on them "
        "are allowed; a factory function or a wrapper class of six lines makes the rest "
        "(docs/workloads.md, Arrays and objects)."
    )


@pytest.mark.parametrize("text", [f"f({'-' * 5_000}1)", f"f({'[' * 5_000}{']' * 5_000})"])
def test_a_bottomless_text_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(UsageError):
        parse_call(text)


def test_a_long_text_is_cut_in_the_message() -> None:
    with pytest.raises(UsageError) as refused:
        parse_call(f"f({'1, ' * 1_000}x y)")
    assert len(refused.value.message) < 200


def test_an_argument_given_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="amount"):
        parse_call("book(amount=1, amount=2)")


# --- targets


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("collections:Counter", Target("collections", "Counter")),
        ("collections:Counter()", Target("collections", "Counter")),
        (" a.b.c:D.E(1) ", Target("a.b.c", "D.E", (1,))),
        ("ledger:Ledger(start=instance)", Target("ledger", "Ledger", (), {"start": NUMBER})),
        ("m:F('a:b')", Target("m", "F", ("a:b",))),
    ],
)
def test_a_target_is_read_as_module_colon_class(text: str, target: Target) -> None:
    assert parse_target(text) == target


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is no target: it is written module:Class"),
        ("Counter", "is no target"),
        ("a/b.py:Counter", "is no target"),
        ("class:Counter", "is no target"),
        ("a:", "is not written as Python writes it"),
        ("a:None", "after the colon a class or a function is named"),
        ("a:B()()", "after the colon a class or a function is named"),
        ("a:B * 2", "after the colon a class or a function is named"),
        ("a:B[0](1)", "after the colon a class or a function is named"),
        ("a:B(size)", ": size "),
    ],
)
def test_what_is_no_target_is_refused_with_the_reason(text: str, says: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_target(text)
    assert says in refused.value.message


# --- written and read again


@FEW
@given(
    args=ARGS,
    kwargs=KWARGS,
    method=st.sampled_from(["book", "_x", "été"]),
    times=st.sampled_from([1, 2, 10**9]),
)
def test_a_call_that_is_written_reads_back_the_same(
    args: tuple[object, ...], kwargs: dict[str, object], method: str, times: int
) -> None:
    call = Call(method, args, kwargs, times)
    again = parse_call(call.text)
    assert again == call
    assert again.text == call.text


@FEW
@given(args=ARGS, kwargs=KWARGS)
def test_a_target_that_is_written_reads_back_the_same(
    args: tuple[object, ...], kwargs: dict[str, object]
) -> None:
    target = Target("a.b", "C.D", args, kwargs)
    assert parse_target(target.text) == target


@pytest.mark.parametrize("text", [f"f(0x{'f' * 5_000})", "f(-0.0)", "f(('a',))", "f(1 + 2j)"])
def test_an_odd_literal_reads_back_the_same(text: str) -> None:
    call = parse_call(text)
    assert parse_call(call.text) == call


@pytest.mark.parametrize(
    "text",
    [
        "instance * 100 + repetition",
        "instance - (repetition - 1) - 2",
        "(instance + 1) * -2 // (repetition % 3 + 1)",
        "instance - 1 * 2",
        "2 % (instance // 3)",
    ],
)
def test_a_number_that_varies_is_written_as_it_was(text: str) -> None:
    (value,) = parse_call(f"f({text})").args
    assert repr(value) == text
    assert str(parse_call(f"f([{text}])")) == f"f([{text}])"
    for number, repetition in [(0, 0), (7, 3)]:
        try:
            expected = eval(text, {"instance": number, "repetition": repetition})  # noqa: S307
        except ZeroDivisionError:
            with pytest.raises(ZeroDivisionError):
                fill_in([value], number, repetition)
        else:
            assert fill_in([value], number, repetition) == [expected]


@pytest.mark.parametrize("value", ["x", Arithmetic(1, "**", 2), float("inf"), True])
def test_only_numbers_and_known_signs_are_spelled(value: Arithmetic) -> None:
    with pytest.raises(ValueError, match="no number that varies"):
        spell(value)


def test_what_is_shown_is_a_line_and_what_is_kept_is_bounded() -> None:
    class Weights:
        def __repr__(self) -> str:
            return "weights([1.0,\n   2.0" + ", 3.0" * 400_000 + "])"

    call = Call("fit", (Weights(), list(range(100_000))), {"k": 3}, times=5)
    assert len(str(call)) == 100
    assert str(call).startswith("fit(weights([1.0, 2.0, 3.0")
    assert str(call).endswith(", k=3) * 5")
    assert len(call.text) < 12_000
    assert "\n" not in call.text


def test_nothing_needless_is_written() -> None:
    assert str(parse_call("close( ) * 1")) == "close()"
    assert str(parse_call("book( 7,note ='rent')*50")) == "book(7, note='rent') * 50"
    assert str(parse_target("collections:Counter( )")) == "collections:Counter"


# --- filled in for one instance


def test_the_instance_number_is_filled_in_wherever_it_stands() -> None:
    call = parse_call(
        "f(instance, [instance], (instance,), {instance: {instance}}, 'x', k=instance)"
    )
    args, kwargs = call.arguments(5)
    assert args == [5, [5], (5,), {5: {5}}, "x"]
    assert kwargs == {"k": 5}


def test_the_repetition_is_filled_in_and_computed_with() -> None:
    call = parse_call("f(instance * 100 + repetition, {repetition: [repetition % 2]}, 6 // 4)")
    assert call.arguments(5, 3) == ([503, {3: [1]}, 1], {})
    assert call.arguments(5) == ([500, {0: [0]}, 1], {})


@FEW
@given(value=LITERALS)
def test_what_is_filled_in_shares_nothing_mutable_with_the_literal(value: object) -> None:
    def mutables(part: object) -> set[int]:
        inner: set[int] = {id(part)} if isinstance(part, list | dict | set) else set()
        if isinstance(part, list | tuple):
            return inner.union(*map(mutables, part))
        return inner.union(*map(mutables, part.values())) if isinstance(part, dict) else inner

    try:
        filled = fill_in(value, 3, 7)
    except ZeroDivisionError:
        reject()
    assert not mutables(value) & mutables(filled)
