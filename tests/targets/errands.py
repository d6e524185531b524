"""What a process of ours may be told to do, for tests of whoever tells it."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multiprocessing.connection import Connection


def tell_threads(pipe: Connection[Any, Any]) -> None:
    """Tell how many threads libraries may have."""
    pipe.send(os.environ.get("OMP_NUM_THREADS"))


def say_and_leave(pipe: Connection[Any, Any], code: int) -> None:
    """Say something, and end with that code."""
    pipe.send("last words")
    os._exit(code)


def sleep(_pipe: Connection[Any, Any]) -> None:
    """Say nothing."""
    time.sleep(60)


def leave_a_heir(_pipe: Connection[Any, Any]) -> None:
    """End, while a process that was forked still holds the pipe."""
    if os.fork() == 0:
        time.sleep(20)
    os._exit(7)


def fail(_pipe: Connection[Any, Any]) -> None:
    """Raise what nobody reckoned with."""
    raise ZeroDivisionError
