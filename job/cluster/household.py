"""The processes of an embedded Ray, which are ours to end."""

from __future__ import annotations

import contextlib
from typing import Any


class Household:
    """The processes of an embedded Ray: the children that came while it started, and theirs."""

    def __init__(self) -> None:
        """Take note of the children that are there before, which are not ours to end."""
        self._others = {child.pid for child in self._children()}

    def members(self) -> list[Any]:
        """Return the processes that run now."""
        members: list[Any] = []
        for child in self._children():
            if child.pid not in self._others:
                members += [child, *self._children(child)]
        return members

    def end(self, members: list[Any], grace_s: float = 0.0) -> None:
        """Wait until they are gone; kill those that are not when the grace is over."""
        import psutil

        _, alive = psutil.wait_procs(members, timeout=grace_s)
        for process in alive:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(alive, timeout=1.0)

    def _children(self, process: Any = None) -> list[Any]:
        import psutil  # comes with ray, from its own folder

        with contextlib.suppress(psutil.Error):
            if process is None:
                return list(psutil.Process().children())
            return list(process.children(recursive=True))
        return []
