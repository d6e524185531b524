"""One copy of the repository, installed once, and two clusters: what all of the tier shares.

The copy lies in a folder with a space in its name, and nothing of the person's own environment is
used or touched: HOME is a temporary folder, so that ~/.ray/auth_token is one of ours.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.support import (
    HOST,
    INSTALL_TIMEOUT_S,
    Cluster,
    JobsApi,
    LocalRun,
    Mark,
    Outcome,
    Terminal,
    alive,
    answers,
    at_work_in,
    clone_into,
    eventually,
    free_ports,
    kill,
)
from tests.tree import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

MARK = "RAY_ACTOR_COMPARISON_E2E"  # a variable by which the tests find their processes
# What installs need to know of this machine; all else is left out.
PASSED_ON = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
PASSED_ON_PREFIXES = ("PIP_", "SSL_")
PROXIES = ("http_proxy", "https_proxy", "no_proxy")

TARGETS = '''
"""Targets of the end-to-end tests, in the folder where a person would keep theirs."""

import os
import sys
import time
from pathlib import Path


class Fragile:
    """Breaks at its third call."""

    def __init__(self):
        self.made = 0

    def book(self):
        self.made += 1
        if self.made == 3:
            raise ValueError("the third is one too many")

    def read(self):
        return self.made


class Elsewhere:
    """Ends in another state wherever it runs."""

    def book(self):
        self.made = os.getpid()

    def read(self):
        return self.made


class Slow:
    """Is quick on actors; on the driver after these it tells that it has begun, and sleeps."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.made = 0

    def book(self):
        been_on_actors = self.folder / "been on actors"
        if not sys.argv[0].endswith("main.py"):
            been_on_actors.touch()
        elif been_on_actors.exists():
            (self.folder / "begun").touch()
            time.sleep(60)
        self.made += 1

    def read(self):
        return self.made
'''


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return a clean environment: what installs need, a HOME of its own, the Python under test."""
    home = Path.home()
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in PASSED_ON or name.startswith(PASSED_ON_PREFIXES) or name.lower() in PROXIES
    }
    for variable, path in (
        ("PIP_CONFIG_FILE", home / ".config" / "pip" / "pip.conf"),
        ("PIP_CACHE_DIR", home / ".cache" / "pip"),
    ):
        if path.exists():
            kept.setdefault(variable, str(path))
    python = Path(sys.base_prefix, "bin", f"python{sys.version_info[0]}.{sys.version_info[1]}")
    return {
        **kept,
        "HOME": str(tmp_path_factory.mktemp("home")),
        "PYTHON": str(python if python.exists() else "python3"),
        "RAY_USAGE_STATS_ENABLED": "0",
    }


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the repository as a clone would hold it, nothing made in it yet."""
    return clone_into(tmp_path_factory.mktemp("e2e") / "a clone of it")


@pytest.fixture(scope="session")
def help_before_all(fresh: Path, environment: dict[str, str]) -> Outcome:
    """Type `make help` where nothing has been installed."""
    return Terminal(fresh, environment).run("make", "help", timeout_s=20)


@pytest.fixture(scope="session")
def only_ray_soon(
    request: pytest.FixtureRequest, environment: dict[str, str]
) -> Iterator[Future[Path]]:
    """Begin to make a virtualenv with `ray[default]` and no more; it is kept for the next run."""
    folder = request.config.cache.mkdir("only-ray-{}.{}.{}".format(*sys.version_info))
    with ThreadPoolExecutor(1) as aside:
        yield aside.submit(make_only_ray, folder, environment)


def make_only_ray(folder: Path, environment: dict[str, str]) -> Path:
    """Make the virtualenv unless it is there."""
    constraints = ROOT / "constraints.txt"
    python = environment["PYTHON"]
    wanted = hashlib.sha256(constraints.read_bytes() + python.encode()).hexdigest()
    stamp = folder / "made-of"
    if stamp.exists() and stamp.read_text() == wanted:
        return folder
    terminal = Terminal(ROOT, environment)
    pip = (folder / "bin" / "python", "-m", "pip", "install", "-qq", "--disable-pip-version-check")
    for command in (
        (python, "-m", "venv", "--clear", folder),
        (*pip, "--no-compile", "-c", constraints, "ray[default]"),
    ):
        made = terminal.run(*command, timeout_s=INSTALL_TIMEOUT_S)
        assert made.code == 0, made.text
    stamp.write_text(wanted)
    return folder


@pytest.fixture(scope="session")
def made_local(
    fresh: Path,
    environment: dict[str, str],
    help_before_all: Outcome,
    only_ray_soon: Future[Path],
) -> LocalRun:
    """Type `make local` in the fresh copy, which installs it as well."""
    assert help_before_all  # typed before
    assert only_ray_soon  # installs at the same time, which saves most of a minute
    outcome = Terminal(fresh, environment).run("make", "local", timeout_s=INSTALL_TIMEOUT_S)
    left_behind = at_work_in(fresh)
    commands = alive(left_behind)
    kill(left_behind)
    return LocalRun(outcome, commands)


@pytest.fixture(scope="session")
def checkout(request: pytest.FixtureRequest, fresh: Path) -> Path:
    """Return the copy with its .venv, and a module of targets in its root.

    For a release all is installed anew; else it borrows what the tests themselves run on.
    """
    if any(item.get_closest_marker("release") for item in request.session.items):
        made: LocalRun = request.getfixturevalue("made_local")
        assert Path(fresh, ".venv", "bin", "ray").exists(), made.outcome.text
    else:
        borrow(fresh / ".venv")
    (fresh / "e2e_targets.py").write_text(TARGETS)
    return fresh


def borrow(venv: Path) -> None:
    """Make a virtualenv of the packages of this one, which make takes for its own work."""
    venv.mkdir()
    for name in ("bin", "lib", "pyvenv.cfg"):
        (venv / name).symlink_to(Path(sys.prefix, name))
    for name in (".made", ".installed", ".installed-cluster"):
        (venv / name).touch()


@pytest.fixture(scope="session")
def made_cluster(checkout: Path, environment: dict[str, str]) -> Iterator[Cluster]:
    """Type `make cluster`; what it printed is to be typed in the terminal."""
    port, dashboard_port = free_ports(2)
    mark = Mark(str(uuid.uuid4()))
    terminal = Terminal(checkout, {**environment, MARK: mark.value})
    try:
        made = terminal.run("make", "cluster", f"PORT={port}", f"DASHBOARD_PORT={dashboard_port}")
        assert made.code == 0, made.text
        token = Path(environment["HOME"], ".ray", "auth_token").read_text().strip()
        api = JobsApi(dashboard_port, token)
        # A person's next terminal does not carry the mark; what the cluster starts does.
        yield Cluster(Terminal(checkout, environment), api, mark, made.stdout)
    finally:
        terminal.run("make", "cluster-stop")
        mark.end()


@pytest.fixture(scope="session")
def only_ray_cluster(
    checkout: Path, only_ray_soon: Future[Path], environment: dict[str, str]
) -> Iterator[Cluster]:
    """Start a cluster from an environment with nothing but Ray, in the repository's root."""
    port, dashboard_port, client_port = free_ports(3)
    # Ray's sockets need a short path, and its workers one without spaces.
    folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))
    (folder / "venv").symlink_to(only_ray_soon.result())
    mark = Mark(str(uuid.uuid4()), str(folder))
    path = f"{folder}/venv/bin{os.pathsep}{environment['PATH']}"
    admin = Terminal(
        checkout,
        {**environment, "PATH": path, "RAY_AUTH_MODE": "token", MARK: mark.value},
    )
    ray = (folder / "venv" / "bin" / "python", folder / "venv" / "bin" / "ray")
    try:
        if not Path(environment["HOME"], ".ray", "auth_token").exists():
            made = admin.run(*ray, "get-auth-token", "--generate")
            assert made.code == 0, made.text
        token = Path(environment["HOME"], ".ray", "auth_token").read_text().strip()
        started = admin.run(
            *ray, "start", "--head", f"--port={port}", f"--temp-dir={folder}",
            f"--dashboard-host={HOST}", f"--dashboard-port={dashboard_port}",
            f"--ray-client-server-port={client_port}", "--dashboard-agent-listen-port=0",
            "--disable-usage-stats",
        )  # fmt: skip
        assert started.code == 0, started.text
        api = JobsApi(dashboard_port, token)
        eventually(lambda: answers(api), "the Jobs API", 60)
        yield Cluster(admin, api, mark)
    finally:
        mark.end()
        shutil.rmtree(folder, ignore_errors=True)
