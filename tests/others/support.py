"""Many comparisons by one driver in the background, each answer waited for where it is wanted."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from job.results.document import keepable
from tests.others.cases import EMBEDDED, LOCAL, STRATEGIES
from tests.ray_local.running import Running

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.others.cases import Case
    from tests.ray_local.running import Head

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CLASSES = HERE / "classes"
SRC = HERE / "project" / "src"
CASE_S = 60.0  # for one comparison, on a busy machine
UP_S = 120.0
POLL_S = 0.1


class Plain:
    """The states that a plain loop over each class ends in."""

    def __init__(self, folder: Path, cases: Sequence[Case]) -> None:
        """Start looping over all of them."""
        self._answers = folder / "plain.jsonl"
        (folder / "plain.json").write_text(written(cases))
        self._process = started("plain.py", folder / "plain.json", self._answers, cwd=folder)

    def states(self, case: Case) -> list[str]:
        """Return the states of a class, written as the package writes states."""
        found = self._found[case.name]
        assert "problem" not in found, found["problem"]
        states: list[str] = found["states"]
        return states

    @cached_property
    def _found(self) -> dict[str, dict[str, Any]]:
        self._process.wait(UP_S)
        return read_answers(self._answers)

    def end(self) -> None:
        """End it, if it still runs."""
        self._process.kill()
        self._process.wait()


class Driver:
    """A driver that goes through cases on one Ray; where one ends it, another goes on after it."""

    def __init__(self, folder: Path, name: str, cases: Sequence[Case], head: Head | None) -> None:
        """Start at once, on the Ray of `head` or on an embedded one."""
        self._folder, self._name, self._head = folder, name, head
        self._left = list(cases)
        self._answers = folder / f"{name}.jsonl"
        self._died: dict[str, dict[str, Any]] = {}
        self._ended = False
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._drive, daemon=True)
        self._thread.start()

    def answer(self, case: Case) -> dict[str, Any]:
        """Wait for what came of a case."""
        while self._thread.is_alive() and case.name not in self._found:
            size = self._size()
            while self._thread.is_alive() and self._size() == size:
                time.sleep(POLL_S)
        return self._found[case.name]

    def end(self) -> None:
        """End it, if it still runs."""
        self._ended = True
        if self._process:
            end_family(self._process)
        self._thread.join()

    def _size(self) -> int:
        return self._answers.stat().st_size if self._answers.exists() else 0

    @property
    def _found(self) -> dict[str, dict[str, Any]]:
        return read_answers(self._answers) | self._died

    def _drive(self) -> None:
        while self._left and not self._ended:
            file = self._folder / f"{self._name}.json"
            file.write_text(written(self._left))
            more = {"RAY_AUTH_TOKEN": self._head.token} if self._head else {}
            address = self._head.address if self._head else ""
            with (self._folder / f"{self._name}.log").open("wb") as log:
                self._process = started(
                    "driving.py",
                    self._name,
                    address,
                    file,
                    self._answers,
                    cwd=self._folder,
                    log=log,
                    **more,
                )
                self._watch()
            self._after(log.name)

    def _watch(self) -> None:
        """Wait for its end, as long as there is progress."""
        assert self._process
        size, until = 0, time.monotonic() + UP_S
        while self._process.poll() is None and time.monotonic() < until:
            time.sleep(POLL_S)
            if self._size() != size:
                size, until = self._size(), time.monotonic() + CASE_S
        if self._process.poll() is None:
            end_family(self._process)

    def _after(self, log: str) -> None:
        """Take note of how it ended, and of what is left to do."""
        assert self._process
        tail = Path(log).read_text(errors="replace")[-2_000:]
        began = begun(self._answers)
        if began is None or began in read_answers(self._answers):
            if self._process.returncode and self._left:
                for case in self._left:
                    self._died.setdefault(case.name, {"code": 1, "notes": [], "text": tail})
            self._left = []
            return
        said = f"the driver ended with {self._process.returncode}: {tail}"
        self._died[began] = {"code": 1, "notes": [], "text": said}
        names = [case.name for case in self._left]
        self._left = self._left[names.index(began) + 1 :]


class Drivers:
    """All that are at work at once; where several share a place, each goes through some cases."""

    def __init__(self) -> None:
        """Begin with none."""
        self._drivers: dict[tuple[str, str], Driver] = {}

    def start(self, folder: Path, where: str, cases: Sequence[Case], head: Head | None) -> None:
        """Start one, in a folder of its own."""
        folder.mkdir()
        driver = Driver(folder, where, cases, head)
        self._drivers |= {(where, case.name): driver for case in cases}

    def answer(self, case: Case, where: str) -> dict[str, Any]:
        """Wait for what came of a case."""
        return self._drivers[where, case.name].answer(case)

    def end(self) -> None:
        """End those that still run."""
        for driver in {id(each): each for each in self._drivers.values()}.values():
            driver.end()


def everywhere(cases: Sequence[Case]) -> list[Any]:
    """Return the parameters of a test: each case wherever it is to be run."""
    return [
        pytest.param(case, where, id=f"{where} {case.name}", marks=marks(case, where))
        for case in cases
        for where in case.where
    ]


def marks(case: Case, where: str) -> tuple[pytest.MarkDecorator, ...]:
    """Leave to a release what is not quick there."""
    return () if where in case.quick else (pytest.mark.release,)


def at(where: str, cases: Sequence[Case]) -> pytest.MarkDecorator:
    """Run a test for each case, all at one place."""
    params = [pytest.param(case, where, id=case.name, marks=marks(case, where)) for case in cases]
    return pytest.mark.parametrize(("case", "where"), params)


def check_states(case: Case, where: str, drivers: Drivers, plain: Plain) -> None:
    """Hold all strategies' states against those of a plain loop, and see where actors ran."""
    expected = plain.states(case)
    found = drivers.answer(case, where)
    assert not found["code"], found["text"]
    if case.actor and where == EMBEDDED:
        assert found["actor"] == expected[1]
    cut = list(keepable(expected[: found["instances"]]))
    assert found["states"] == dict.fromkeys(STRATEGIES[where], cut)
    assert found["agreement"] == "they agree"
    ran = [pid for name in STRATEGIES[where][1:] for pid in found["processes"][name]]
    assert len({found["driver"], *ran}) == 1 + len(ran)
    if where != LOCAL:
        assert len(ran) == found["instances"] + 1


def written(cases: Sequence[Case]) -> str:
    """Return cases as the other process reads them."""
    return json.dumps([asdict(case) | {"name": case.name} for case in cases])


def read_answers(file: Path) -> dict[str, dict[str, Any]]:
    """Return the answers so far, by the name of the case."""
    found = {}
    for line in file.read_text().splitlines() if file.exists() else ():
        with contextlib.suppress(json.JSONDecodeError):  # half of a line
            answer = json.loads(line)
            found[answer.get("name")] = answer
    return found


def begun(file: Path) -> str | None:
    """Return the name of the case that was begun last."""
    lines = file.read_text().splitlines() if file.exists() else []
    names = [json.loads(line).get("began") for line in lines]
    return next((name for name in reversed(names) if name), None)


def started(script: str, *arguments: object, cwd: Path, log: Any = None, **more: str) -> Any:  # noqa: ANN401 - a file, a process
    """Start a script of ours where the classes can be imported, and nothing else of the user's."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("RAY_", "PYTHON"))}
    paths = os.pathsep.join(map(str, (ROOT, CLASSES, SRC)))
    environment = kept | {"HOME": str(cwd), "RAY_TMPDIR": str(cwd), "PYTHONPATH": paths} | more
    return subprocess.Popen(
        [sys.executable, HERE / script, *map(str, arguments)], cwd=cwd, env=environment,
        stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
    )  # fmt: skip


def end_family(process: subprocess.Popen[Any]) -> None:
    """End a process, and those that it has started."""
    import psutil

    family = Running(process).descendants()
    process.kill()
    process.wait()
    for member in family:
        with contextlib.suppress(psutil.Error):
            member.kill()
