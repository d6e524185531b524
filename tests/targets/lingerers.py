"""A plain class whose calls do not come back, but for those of the process that tries it out."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path


class Lingerer:
    """Leaves a file for each process that calls it, and for what it starts there, unless alone."""

    def __init__(self, folder: str, ends: str = "never") -> None:
        self.folder = Path(folder)
        self.ends = ends
        self.steps = 0

    def step(self) -> None:
        """Count; but for the first process of all, end as told, or never."""
        self.steps += 1
        if self._is_first():
            return
        (self.folder / f"{os.getpid()}.pid").touch()
        if self.ends != "alone":
            helper = subprocess.Popen(["sleep", "600"])  # noqa: S607
            (self.folder / f"{helper.pid}.pid").touch()
        if self.ends == "by itself":
            os._exit(3)
        if self.ends == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(600)

    def _is_first(self) -> bool:
        first = self.folder / "first"
        try:
            with first.open("x") as file:
                file.write(str(os.getpid()))
        except FileExistsError:
            return first.read_text() == str(os.getpid())
        return True
