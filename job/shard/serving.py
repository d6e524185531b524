"""A process of its own on the driver's machine: does what it is told through a pipe, then ends.

Started afresh rather than forked, it holds nothing of what the driver holds: no thread of Ray's, no
module of the target's, no class attribute that earlier calls have changed.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import pickle
import signal
import sys
import traceback
from functools import partial
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from job.errors import JobError, TargetRaisedError
from job.shard.recipe import unpacked
from job.shard.shard import Place, Shard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from job.shard.recipe import Recipe

DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


def main(descriptor: int) -> None:
    """Do what comes through a pipe that was inherited: paths to import from, a function, its rest.

    Our own package was found before any folder of that name; the target is found as in the driver.
    """
    os.set_inheritable(descriptor, False)  # noqa: FBT003 - its own name
    os.dup2(2, 1)  # what the target prints is no report
    with contextlib.suppress(OSError, AttributeError):  # not on Linux
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
    pipe, code = Connection(descriptor), 0
    try:
        sys.path[:] = pipe.recv()
        act, args = pipe.recv()
        act(pipe, *args)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass  # whoever asked is gone
    except BaseException:
        traceback.print_exc()
        code = 1
    os._exit(code)  # a thread of the target's would be waited for


def host(
    pipe: Connection[Any, Any], recipe: Recipe | bytes, numbers: Sequence[int], threads: int,
    packer: str,
) -> None:  # fmt: skip
    """Host a shard: answer with what the methods that are asked for return, or raise."""
    try:
        made = unpacked(recipe).resolve()
    except JobError as error:
        answer(pipe, None, error)
        return
    shard = Shard(made, numbers, None, threads, Place.here, partial(dump_by, packer))
    answer(pipe, None, None)
    while True:
        method, args = pipe.recv()
        try:
            found, raised = getattr(shard, method)(*args), None
        except (JobError, TargetRaisedError) as error:
            found, raised = None, error
        answer(pipe, found, raised)


def answer(pipe: Connection[Any, Any], *parts: object) -> None:
    """Answer by a newer protocol than a pipe's own: only that one writes large values uncopied."""
    pipe.send_bytes(pickle.dumps(parts, protocol=5))


def dump_by(packer: str, value: object) -> bytes:
    """Pickle a value by a module that is loaded only where it is needed."""
    return bytes(importlib.import_module(packer).dumps(value))
