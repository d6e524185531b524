"""The command in a process of its own, a Ray head to run it against, and what both leave behind."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ray

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
TARGETS = ROOT / "tests" / "targets"
SCRIPT = (str(ROOT / "job" / "main.py"),)
MODULE = ("-m", "job")
HOST = "127.0.0.1"
CPUS = 2
START_S = 120.0
HANDED_OUT: set[int] = set()  # ports, by `free_port`
COMMAND_S = 100.0  # for one comparison, on a busy machine


@dataclass(frozen=True)
class Ended:
    """A process that has ended, and how long that took after what was asked of it last."""

    code: int
    stdout: str
    stderr: str
    seconds: float

    def __repr__(self) -> str:
        """Show everything when a test fails."""
        return f"code {self.code} after {self.seconds:.1f} s\n{self.stdout}\n{self.stderr}"


class Running:
    """The command in a process group of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """Take over a process that has just been started."""
        self.process = process
        self._begin = time.monotonic()

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until the condition holds while the command runs."""
        poll(lambda: condition() or self.process.poll() is not None, what)
        if not condition():
            raise AssertionError(f"it ended before {what}:\n{self.end()}")

    def signal(self, number: signal.Signals, *, group: bool = False) -> Ended:
        """Send a signal, to the whole group as a terminal does if asked, and await the end."""
        self._begin = time.monotonic()
        (os.killpg if group else os.kill)(self.process.pid, number)
        return self.end()

    def end(self) -> Ended:
        """Wait until it has ended."""
        try:
            stdout, stderr = self.process.communicate(timeout=COMMAND_S)
        except subprocess.TimeoutExpired as late:
            self.process.kill()
            said = "\n".join(map(str, self.process.communicate()))
            raise AssertionError(f"it still ran after {COMMAND_S:g} s:\n{said}") from late
        return Ended(self.process.returncode, stdout, stderr, time.monotonic() - self._begin)

    def descendants(self) -> list[Any]:
        """Return the processes it has started, and those that they have."""
        import psutil

        try:
            return list(psutil.Process(self.process.pid).children(recursive=True))
        except psutil.Error:
            return []


class Command:
    """`python job/main.py`, far from the user's own home, token and running clusters."""

    def __init__(
        self, folder: Path, *, address: str = "", token: str = "", python: str = sys.executable
    ) -> None:
        """Let everything it leaves lie in `folder`; give it an address and a token if there are."""
        self.folder = folder
        self._python = python
        self._options = ("--address", address) if address else ()
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("RAY_", "PYTHON"))}
        self._environment = kept | {"HOME": str(folder), "RAY_TMPDIR": str(folder)}
        if token:
            self._environment["RAY_AUTH_TOKEN"] = token

    def start(
        self, *arguments: str, by: tuple[str, ...] = SCRIPT, cwd: Path = TARGETS,
        argv0: str = "", **extra: str,
    ) -> Running:  # fmt: skip
        """Start it as `argv0`; `extra` are further environment variables."""
        command = [argv0 or self._python, *by, *arguments]
        if not {"report", "compare"} & set(arguments):  # those need no cluster
            command += self._options
        return Running(
            subprocess.Popen(
                command, cwd=cwd, env=self._environment | extra, text=True, errors="replace",
                executable=self._python,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                start_new_session=True,
            )
        )  # fmt: skip

    def run(
        self, *arguments: str, by: tuple[str, ...] = SCRIPT, cwd: Path = TARGETS,
        argv0: str = "", **extra: str,
    ) -> Ended:  # fmt: skip
        """Run it to its end."""
        return self.start(*arguments, by=by, cwd=cwd, argv0=argv0, **extra).end()

    def left_behind(self) -> list[str]:
        """Return the command lines of the processes that were called for its Ray."""
        return [line for _, line in processes() if f"{self.folder}/" in line]


class Head:
    """A Ray of one node that demands a token where it can; its processes are ended by pid."""

    def __init__(
        self, folder: Path, venv: str = sys.prefix, *, jobs_in: Path | None = None
    ) -> None:
        """Start it and return when it is up.

        Args:
            folder: Where everything lies that it makes.
            venv: The virtualenv whose Ray it is.
            jobs_in: Where jobs run that are submitted without a folder; without it none can be.
        """
        self.token = secrets.token_hex(32)
        self.address = f"{HOST}:{free_port()}"
        self.api = f"http://{HOST}:{free_port()}"
        self._folder, self._processes = folder, list[subprocess.Popen[bytes]]()
        # Ray starts workers by a shell command that does not quote its Python's path.
        self.bin = folder / "venv" / "bin"
        (folder / "venv").symlink_to(venv)
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("RAY_", "PYTHON"))}
        self.environment = kept | {
            "HOME": str(folder), "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": self.token,
            "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
            "RAY_TMPDIR": str(folder),  # where Ray notes the newest cluster's address
            "RAY_raylet_start_wait_time_s": "100",  # 30 are not enough when busy
        }  # fmt: skip
        dashboard = [f"--dashboard-host={HOST}", f"--dashboard-port={self.api.rpartition(':')[2]}"]
        self._start(
            "--head", f"--port={self.address.partition(':')[2]}", f"--num-cpus={CPUS}",
            f"--ray-client-server-port={free_port()}", f"--temp-dir={folder}/ray",
            *(dashboard if jobs_in else ["--include-dashboard=false"]),
            cwd=jobs_in or folder,
        )  # fmt: skip

    def join(self, *options: str) -> None:
        """Start a further node, and return when it is up."""
        self._start(f"--address={self.address}", *options, cwd=self._folder)

    def _start(self, *options: str, cwd: Path) -> None:
        log = self._folder / f"log-{len(self._processes)}"
        with log.open("w") as out:
            process = subprocess.Popen(
                [
                    self.bin / "python", "-m", "ray.scripts.scripts", "start", "--block",
                    f"--node-ip-address={HOST}",
                    # Not 0, by which Ray 2.48 listens on another port than it tells.
                    f"--dashboard-agent-listen-port={free_port()}",
                    # Those of one range would be the same for each node of a machine.
                    "--min-worker-port=0", "--max-worker-port=0", "--disable-usage-stats", *options,
                ],
                cwd=cwd, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                env=self.environment, start_new_session=True,
            )  # fmt: skip
        self._processes.append(process)
        try:
            poll(
                lambda: "runtime started" in log.read_text() or process.poll() is not None,
                "Ray is up",
                START_S,
            )
            assert process.poll() is None, log.read_text()
        except BaseException:
            self.end()
            raise

    def end(self) -> None:
        """End its processes, in order if they will."""
        import psutil

        for process in reversed(self._processes):
            with contextlib.suppress(psutil.Error):
                members = psutil.Process(process.pid).children(recursive=True)
                process.terminate()
                for member in psutil.wait_procs(members, timeout=10)[1]:
                    with contextlib.suppress(psutil.Error):
                        member.kill()
            process.kill()
            process.wait()

    def actors(self) -> list[int]:
        """Return the pids of the processes that host actors of ours."""
        import psutil

        ours = set[int]()
        for process in self._processes:
            members = psutil.Process(process.pid).children(recursive=True)
            ours |= {member.pid for member in members}
        return [pid for pid, line in processes() if pid in ours and line.startswith("ray::Shard")]


def processes() -> Iterator[tuple[int, str]]:
    """Yield the pid and the command line of every process that runs, zombies left out."""
    import psutil

    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE:
                yield process.pid, " ".join(process.cmdline())


def is_running(pid: int) -> bool:
    """Return whether a process is there, and more than a zombie."""
    import psutil

    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def poll(condition: Callable[[], bool], what: str, timeout_s: float = 60.0) -> None:
    """Wait until the condition holds."""
    until = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > until:
            raise AssertionError(f"not within {timeout_s:g} s: {what}")
        time.sleep(0.02)


def free_port() -> int:
    """Return a port nobody listens on, and another one each time.

    The system may hand out again at once what was just let go of, and Ray refuses one port for two.
    """
    while True:
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            port: int = probe.getsockname()[1]
        if port not in HANDED_OUT:
            HANDED_OUT.add(port)
            return port


@contextlib.contextmanager
def short_folder() -> Iterator[Path]:
    """Make a folder for Ray, whose sockets lie deep below it and may have 107 characters."""
    parent = tempfile.gettempdir()
    folder = Path(tempfile.mkdtemp(prefix="t-", dir=parent if len(parent) <= 20 else "/tmp"))  # noqa: S108
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


assert ray.__version__, "importing ray is what makes psutil importable"
