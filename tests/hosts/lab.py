"""Real hosts on one machine: each a set of namespaces with its own address, sshd, home and pids.

They are joined by a bridge that leads nowhere else. A host can lose its Ray, its power or its
cable. Needs root, iproute2, util-linux, openssh and rsync.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.e2e.support import Outcome, Terminal, eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

TOOLS = ("ip", "unshare", "nsenter", "mount", "ssh", "ssh-keygen", "rsync", "/usr/sbin/sshd")
PACKAGES = "openssh-server openssh-client rsync iproute2 util-linux procps"
FIRST = 4  # moto hands out a subnet's addresses from .4 on, as AWS does
NAMES = ("h1", "h2", "h3")
COMMAND_S = 240.0  # for one command of Ray's launcher, on a busy machine


def missing() -> str:
    """Return what this machine lacks to play several hosts, or nothing."""
    if os.geteuid() != 0:
        return "root is needed, to make network namespaces"
    lacking = [tool for tool in TOOLS if not shutil.which(tool)]
    return f"missing {', '.join(lacking)}: apt-get install {PACKAGES}" if lacking else ""


@dataclass
class Host:
    """One host; `pid` is its process 1 as the machine sees it."""

    name: str
    address: str
    folder: Path
    key: Path
    namespace: str
    pid: int = 0
    launched: subprocess.Popen[bytes] | None = None

    def run(self, script: str, timeout_s: float = COMMAND_S) -> Outcome:
        """Log in by ssh and run a script as a person's interactive shell would."""
        return Terminal(self.folder, os.environ).run(
            "ssh", "-n", "-i", self.key, "-o", "IdentitiesOnly=yes",
            "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
            "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=5", f"root@{self.address}",
            f"bash -i -c {shlex.quote(script)} 2> >(grep -v -e 'job control' -e ioctl >&2)",
            timeout_s=timeout_s,
        )  # fmt: skip

    def processes(self, name: str = "") -> list[tuple[int, str]]:
        """Return pid (the machine's) and command of what runs on the host, those with `name`."""
        if not self.pid:
            return []
        own = Path(f"/proc/{self.pid}/ns/pid").readlink()
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if (entry / "ns" / "pid").readlink() == own:
                    line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
                    if line and name in line:
                        found.append((int(entry.name), line))
        return found

    def kill_raylet(self) -> None:
        """Let Ray's process of this node die, while the host stays."""
        for pid, line in self.processes("raylet/raylet "):
            if Path(line.split()[0]).name == "raylet":
                os.kill(pid, signal.SIGKILL)

    def power_off(self) -> None:
        """Let all that runs on the host die at once, with its process 1."""
        os.kill(self.pid, signal.SIGKILL)
        if self.launched:
            self.launched.wait(30)
        eventually(lambda: not Path(f"/proc/{self.pid}").exists(), f"the end of {self.name}")
        self.pid = 0

    def cut(self) -> None:
        """Pull the cable: nothing is closed, nothing arrives any more."""
        _ip("link", "set", f"v{self.namespace}", "down")

    def mend(self) -> None:
        """Put the cable back."""
        _ip("link", "set", f"v{self.namespace}", "up")


@dataclass
class Lab:
    """Three hosts and the launcher's own home, from which `ray up` is typed.

    Attributes:
        folder: Where everything lies, with a short path and no space in it.
        network: The first three parts of all addresses; .1 is the launcher's machine.
    """

    folder: Path
    network: str
    bridge: str
    key: Path
    hosts: dict[str, Host] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """The launcher's home, where its token lies."""
        return self.folder / "launcher"

    def terminal(self, folder: Path, **extra: str) -> Terminal:
        """Return the launcher's shell in a folder."""
        kept = {k: os.environ[k] for k in ("LANG", "LC_ALL") if k in os.environ}
        return Terminal(
            folder,
            kept
            | {
                "HOME": str(self.home),
                "TMPDIR": str(self.home / "tmp"),
                "RAY_TMPDIR": str(self.home / "tmp"),
                "PATH": f"{self.folder}/bin:{self.folder}/venv/bin:{os.environ['PATH']}",
                "RAY_USAGE_STATS_ENABLED": "0",
                "PYTHONUNBUFFERED": "1",
            }
            | extra,
        )

    def power_on(self, name: str) -> None:
        """Start a host, or start it again."""
        host = self.hosts[name]
        with (host.folder / "log").open("w") as log:
            launched = subprocess.Popen(
                [  # noqa: S607 - root's own path
                    "ip", "netns", "exec", host.namespace,
                    "unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child",
                    sys.executable, str(Path(__file__).with_name("init.py")),
                    name, str(host.folder),
                ],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True,
                env={"PATH": os.environ["PATH"], "HOME": str(host.folder / "home")},
            )  # fmt: skip
        children = Path(f"/proc/{launched.pid}/task/{launched.pid}/children")
        eventually(lambda: children.read_text().split(), f"process 1 of {name}")
        host.pid, host.launched = int(children.read_text().split()[0]), launched
        said = host.folder / "log"
        eventually(lambda: "listening on" in said.read_text(), f"sshd of {name}")


@contextlib.contextmanager
def hosts(bashrc: Mapping[str, str]) -> Iterator[Lab]:
    """Start three hosts, and leave nothing of them behind.

    Args:
        bashrc: Variables that every shell on the hosts has; {network} stands for the lab's.
    """
    folder = Path(tempfile.mkdtemp(prefix="lab-", dir="/tmp"))
    number = next(n for n in range(256) if not Path(f"/sys/class/net/rl{n}").exists())
    lab = Lab(folder, f"10.77.{number}", f"rl{number}", folder / "key")
    try:
        _furnish(lab)
        values = {k: v.format(network=lab.network) for k, v in bashrc.items()}
        for name in NAMES:
            _make(lab, name, values)
            lab.power_on(name)
        yield lab
    finally:
        _take_down(lab)


def _furnish(lab: Lab) -> None:
    """Make the keys, the launcher's home, and a Python whose path holds no space."""
    for made in (lab.home / ".ray", lab.home / "tmp", lab.folder / "bin", Path("/tmp/ray")):  # noqa: S108
        made.mkdir(parents=True, exist_ok=True)
    (lab.folder / "venv").symlink_to(sys.prefix)
    ray = lab.folder / "bin" / "ray"
    ray.write_text(f'#!/bin/sh\nexec {lab.folder}/venv/bin/python -m ray.scripts.scripts "$@"\n')
    ray.chmod(0o755)
    for key in (lab.key, lab.folder / "host_key"):
        _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", str(key))
    _ip("link", "add", lab.bridge, "type", "bridge")
    _ip("addr", "add", f"{lab.network}.1/24", "dev", lab.bridge)
    _ip("link", "set", lab.bridge, "up")


def _make(lab: Lab, name: str, bashrc: Mapping[str, str]) -> None:
    """Make a host's folder and its network; no route leads out of the bridge."""
    folder, namespace = lab.folder / name, f"{lab.bridge}{name}"
    address = f"{lab.network}.{FIRST + NAMES.index(name)}"
    home = folder / "home"
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    _ip("netns", "add", namespace)
    _ip("link", "add", f"v{namespace}", "type", "veth", "peer", "name", "eth0", "netns", namespace)
    _ip("link", "set", f"v{namespace}", "master", lab.bridge, "up")
    for words in (["link", "set", "lo", "up"], ["addr", "add", f"{address}/24", "dev", "eth0"]):
        _ip("-n", namespace, *words)
    _ip("-n", namespace, "link", "set", "eth0", "up")
    users = Path("/etc/passwd").read_text().splitlines()
    root = f"root:x:0:0:root:{home}:/bin/bash"
    (folder / "passwd").write_text(
        "\n".join(root if user.startswith("root:") else user for user in users) + "\n"
    )
    known = [f"{lab.network}.{FIRST + index} {each}" for index, each in enumerate(NAMES)]
    (folder / "hosts").write_text("\n".join(["127.0.0.1 localhost", *known]) + "\n")
    shutil.copy(f"{lab.key}.pub", home / ".ssh" / "authorized_keys")
    variables = {
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_raylet_start_wait_time_s": "100",  # 30 are not enough when busy
        # How soon the autoscaler starts Ray again on a worker it has lost; 30 unless it is told.
        "AUTOSCALER_HEARTBEAT_TIMEOUT_S": "10",
        **bashrc,
    }
    (home / ".bashrc").write_text(
        f'export PATH="{lab.folder}/bin:{lab.folder}/venv/bin:$PATH"\n'
        + "".join(f"export {key}={value}\n" for key, value in variables.items())
    )
    (folder / "sshd_config").write_text(
        f"ListenAddress {address}\nHostKey {lab.folder}/host_key\nPidFile none\n"
        "PermitRootLogin prohibit-password\nPasswordAuthentication no\nUsePAM no\nStrictModes no\n"
        f"AuthorizedKeysFile {home}/.ssh/authorized_keys\n"
    )
    lab.hosts[name] = Host(name, address, folder, lab.key, namespace)


def _take_down(lab: Lab) -> None:
    for host in lab.hosts.values():
        if host.pid:
            host.power_off()
        with contextlib.suppress(subprocess.CalledProcessError):
            _ip("netns", "del", host.namespace)
        with contextlib.suppress(subprocess.CalledProcessError):  # gone with its namespace
            _ip("link", "del", f"v{host.namespace}")
    with contextlib.suppress(subprocess.CalledProcessError):
        _ip("link", "del", lab.bridge)
    shutil.rmtree(lab.folder, ignore_errors=True)


def _ip(*words: str) -> None:
    _run("ip", *words)


def _run(*command: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)


def until(condition: Callable[[], bool], what: str, timeout_s: float = 90.0) -> float:
    """Wait until the condition holds; return how long that took, in seconds."""
    since = time.monotonic()
    eventually(condition, what, timeout_s)
    return time.monotonic() - since
