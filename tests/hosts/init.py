"""Process 1 of a host: gives it a /proc, a /tmp and a home of its own, and runs its sshd.

Run in new mount, pid, uts and ipc namespaces as `python init.py NAME FOLDER`; ends with its sshd.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SSHD = "/usr/sbin/sshd"


def mount(*arguments: str) -> None:
    """Mount something, or fail."""
    subprocess.run(["mount", *arguments], check=True)  # noqa: S607 - root's own path


def main(name: str, folder: Path) -> None:
    """Set the host up, then reap what its daemons leave behind until its sshd ends."""
    subprocess.run(["hostname", name], check=True)  # noqa: S607
    mount("--make-rprivate", "/")
    mount("-t", "proc", "proc", "/proc")
    mount("-t", "tmpfs", "-o", "size=16g,mode=1777", "tmpfs", "/dev/shm")  # noqa: S108
    mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", "/tmp/ray")  # noqa: S108 - Ray's sessions
    mount("-t", "tmpfs", "-o", "mode=0755", "tmpfs", "/run")
    Path("/run/sshd").mkdir()
    mount("--bind", str(folder / "passwd"), "/etc/passwd")  # root's home is the host's own folder
    mount("--bind", str(folder / "hosts"), "/etc/hosts")
    os.chdir("/")
    sshd = subprocess.Popen([SSHD, "-D", "-e", "-f", str(folder / "sshd_config")])
    while True:
        pid, _ = os.wait()  # every orphan of the host becomes a child of its process 1
        if pid == sshd.pid:
            return


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
