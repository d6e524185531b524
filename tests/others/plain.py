"""A plain loop over each class, in a process of its own that knows nothing of comparisons.

What a target and its calls say is evaluated as Python, so that nothing of the package is trusted
with it but the text that it gives a state.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import inspect
import json
import os
import re
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

INSTANCES = 2


class PlainLoop:
    """The instances of a class, called in turn as the well-known example does."""

    def __init__(self, target: str, instances: int = INSTANCES) -> None:
        """Make them."""
        self._event_loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._event_loop)
        module, _, expression = target.partition(":")
        if not expression.endswith(")"):
            expression += "()"
        found = vars(importlib.import_module(module))
        self.instances = [evaluate(expression, found, instance=n) for n in range(instances)]

    def call(self, *calls: str) -> None:
        """Make each call so often on all of them."""
        for method, arguments, times in taken_apart(calls):
            for repetition in range(times):
                for number, each in enumerate(self.instances):
                    names = {"each": each, "instance": number, "repetition": repetition}
                    self._awaited(evaluate(f"each.{method}{arguments}", names))

    def states(self, read: str | None) -> list[Any]:
        """Return what they say of themselves."""
        states = []
        for each in self.instances:
            found = evaluate(f"each.{read}", {"each": each}) if read else each
            states.append(self._awaited(found()) if read and callable(found) else found)
        return states

    def _awaited(self, made: Any) -> Any:  # noqa: ANN401 - any class's
        """Wait for what a call returned, if that is to be waited for."""

        async def wait() -> Any:  # noqa: ANN401 - likewise
            return await made

        return self._event_loop.run_until_complete(wait()) if inspect.isawaitable(made) else made


def taken_apart(calls: tuple[str, ...] | list[str]) -> Iterator[tuple[str, str, int]]:
    """Yield each call's method, its arguments with the parentheses, and how often it is made."""
    for text in calls:
        found = re.fullmatch(r"([\w.]+)(\(.*\))?(?: \* (\d+))?", text)
        assert found, text
        yield found[1], found[2] or "()", int(found[3] or 1)


def evaluate(expression: str, names: dict[str, Any], **more: object) -> Any:  # noqa: ANN401 - any
    """Return what a row of our own table says."""
    return eval(expression, {**names, **more})  # noqa: S307 - it is ours


def answer(case: dict[str, Any]) -> dict[str, Any]:
    """Return the states a plain loop ends in, which must not be those it began in."""
    from job.shard.states import bounded, canonical, state_limit

    try:
        untouched, loop = PlainLoop(case["target"]), PlainLoop(case["target"])
        loop.call(*case["calls"])
        limit = state_limit(INSTANCES)
        states = [bounded(canonical(each), limit) for each in loop.states(case["read"])]
        with contextlib.suppress(AttributeError):  # of what only learning gives
            before = [bounded(canonical(each), limit) for each in untouched.states(case["read"])]
            assert states != before, f"the calls change nothing: {before}"
    except BaseException:
        return {"problem": traceback.format_exc()}
    return {"states": states}


def main(cases: str, answers: str) -> None:
    """Run each case in a fork of this process, which has imported none of them."""
    for case in json.loads(Path(cases).read_text()):
        child = os.fork()
        if not child:
            with Path(answers).open("a") as lines:
                lines.write(json.dumps({"name": case["name"], **answer(case)}) + "\n")
            os._exit(0)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
