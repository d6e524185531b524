"""Somebody who follows a page: puts down its files, and types its commands."""

from __future__ import annotations

import os
import re
import shlex
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.e2e.support import Outcome, Terminal, free_ports

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.docs.pages import Put

# As pages show a machine, and which ports they name.
NODE, ADDRESS = "vm", "192.0.2.2"
PORT, DASHBOARD_PORT = 6379, 8265


@dataclass
class Reader:
    """A clone, and a shell in it whose variables last from command to command."""

    clone: Path
    environment: Mapping[str, str]
    ports: dict[int, int] = field(
        default_factory=lambda: dict(zip((PORT, DASHBOARD_PORT), free_ports(2), strict=True))
    )

    def put(self, file: Put) -> None:
        """Write a file that the page shows."""
        path = self.clone / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.content, "utf-8")

    def type(self, command: str) -> Outcome:
        """Type a command; the ports that it names are free ones here."""
        for shown, free in self.ports.items():
            command = command.replace(str(shown), str(free))
        kept = shlex.quote(str(self.clone.parent / "variables"))
        script = f"[ ! -e {kept} ] || . {kept}\n{command}\ncode=$?\nexport -p > {kept}\nexit $code"
        path = f"{self.clone / '.venv' / 'bin'}{os.pathsep}{self.environment['PATH']}"
        variables = {
            "PORT": str(self.ports[PORT]),
            "DASHBOARD_PORT": str(self.ports[DASHBOARD_PORT]),
        }
        return Terminal(self.clone, {**self.environment, **variables, "PATH": path}).bash(script)

    def as_shown(self, stdout: str) -> list[str]:
        """Return the lines of an output with this machine named as pages name one."""
        for shown, free in self.ports.items():
            stdout = stdout.replace(str(free), str(shown))
        stdout = stdout.replace(str(self.clone), "/path/to/ray-actor-comparison")
        stdout = re.sub(rf"\b{re.escape(socket.gethostname())}\b", NODE, stdout)
        stdout = re.sub(r"\b(?!127\.|0\.)(?:\d{1,3}\.){3}\d{1,3}\b", ADDRESS, stdout)
        return [line.rstrip() for line in stdout.splitlines()]
