"""The package as a wheel, installed far from the repository, and as uv runs it."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from job import __version__
from tests.e2e.support import (
    INSTALL_TIMEOUT_S,
    JobsApi,
    Terminal,
    answers,
    clone_into,
    eventually,
)
from tests.ray_local.running import Head, short_folder
from tests.tree import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from concurrent.futures import Future

    from tests.e2e.support import Outcome

pytestmark = pytest.mark.release

CONSTRAINTS = ROOT / "constraints.txt"
LEDGER = """
class Ledger:
    def __init__(self, start=0):
        self.total = start

    def book(self, amount):
        self.total = self.total * 31 + amount
"""
BOOKED = (
    "--target", "ledger:Ledger(start=instance)", "--call", "book(7) * 3", "--read", "total",
    "--instances", "2", "--strategies", "serial,sharded",
)  # fmt: skip
STATES = "[6951, 36742]"  # ((start x 31 + 7) x 31 + 7) x 31 + 7
BANK = ("--workload", "bank", "--strategies", "serial,sharded")
SCRIPT = """
import job
from job import run_comparison
from ledger import Ledger

if __name__ == "__main__":
    print(job.__file__)
    print(run_comparison(Ledger, "book(7) * 3", 2, read="total", strategies=["serial", "sharded"]))
"""


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the repository."""
    return clone_into(tmp_path_factory.mktemp("package") / "a clone of it")


@pytest.fixture(scope="module")
def wheel(clone: Path, environment: Mapping[str, str]) -> Path:
    """Type `make wheel`."""
    made = Terminal(clone, environment).run("make", "wheel", timeout_s=INSTALL_TIMEOUT_S)
    assert made.code == 0, made.text
    return clone / made.stdout.strip()


@pytest.fixture(scope="module")
def bin_(
    wheel: Path, environment: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Install the wheel alone; what it depends on is that of the tests' own environment."""
    venv = tmp_path_factory.mktemp("installed") / "venv"
    terminal = Terminal(venv.parent, environment)
    pip = (sys.executable, "-m", "pip", "--python", str(venv / "bin" / "python"))
    for command in (
        (sys.executable, "-m", "venv", "--without-pip", str(venv)),
        (*pip, "install", "-qq", "--no-index", "--no-deps", str(wheel)),
    ):
        done = terminal.run(*command)
        assert done.code == 0, done.text
    (site,) = venv.glob("lib/python*/site-packages")
    # A folder that is named there brings its packages, but not those that are installed editably.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return venv / "bin"


@pytest.fixture
def terminal(tmp_path: Path, environment: Mapping[str, str]) -> Terminal:
    """Return one in a folder of its own, a class of one's own in it."""
    (tmp_path / "ledger.py").write_text(LEDGER)
    return Terminal(tmp_path, environment)


def test_the_wheel_holds_what_the_tree_holds(wheel: Path, clone: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    files = {path for path in (clone / "job").rglob("*") if path.is_file()}
    assert held == {str(path.relative_to(clone)) for path in files}
    assert {"job/py.typed", "job/page/page.css", "job/workload/bundled/bank.yaml"} <= held
    assert wheel.name.startswith(f"ray_actor_comparison-{__version__}-")


def test_the_command_runs_a_class_of_the_folder_that_one_stands_in(
    bin_: Path, terminal: Terminal
) -> None:
    command = bin_ / "ray-actor-comparison"
    ran = terminal.run(command, *BOOKED, "--output", "kept.json")
    assert ran.code == 0, ran.text
    assert ran.stdout.count(STATES) == 2
    kept = json.loads((terminal.folder / "kept.json").read_text())
    assert kept["environment"]["package_version"] == __version__
    paged = terminal.run(command, "report", "kept.json", "--html", "page.html")
    assert paged.code == 0, paged.text
    assert f"ray-actor-comparison {__version__}" in (terminal.folder / "page.html").read_text()


def test_the_module_runs_a_bundled_workload(bin_: Path, terminal: Terminal) -> None:
    ran = terminal.run(bin_ / "python", "-m", "job", *BANK)
    assert ran.code == 0, ran.text
    assert "they agree" in ran.stdout


def test_a_script_imports_what_is_installed(bin_: Path, terminal: Terminal) -> None:
    (terminal.folder / "mine.py").write_text(SCRIPT)
    ran = terminal.run(bin_ / "python", "mine.py")
    assert ran.code == 0, ran.text
    assert Path(ran.stdout.splitlines()[0]).is_relative_to(bin_.parent)
    assert ran.stdout.count("[6951, 6951]") == 2


@pytest.fixture(scope="module")
def bare(
    only_ray_soon: Future[Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Head, JobsApi]]:
    """Start a cluster that has nothing but Ray."""
    jobs_in = tmp_path_factory.mktemp("jobs")
    with short_folder() as folder, started(folder, only_ray_soon.result(), jobs_in) as cluster:
        yield cluster


@contextlib.contextmanager
def started(folder: Path, venv: Path, jobs_in: Path) -> Iterator[tuple[Head, JobsApi]]:
    """Start a cluster of a virtualenv, to which jobs can be submitted."""
    head = Head(folder, str(venv), jobs_in=jobs_in)
    try:
        api = JobsApi(int(head.api.rpartition(":")[2]), head.token)
        eventually(lambda: answers(api), "the Jobs API", 60)
        yield head, api
    finally:
        head.end()


def test_a_bundled_class_is_brought_to_a_cluster_that_lacks_the_package(
    bin_: Path, terminal: Terminal, bare: tuple[Head, JobsApi]
) -> None:
    head, _ = bare
    there = Terminal(terminal.folder, {**terminal.environment, "RAY_AUTH_TOKEN": head.token})
    ran = there.run(bin_ / "ray-actor-comparison", "--address", head.address, *BANK)
    assert ran.code == 0, ran.text
    assert "they agree" in ran.stdout
    assert "the target as py_modules" in ran.stdout


def test_the_wheel_is_submitted_to_a_cluster_that_lacks_the_package(
    wheel: Path, terminal: Terminal, bare: tuple[Head, JobsApi]
) -> None:
    head, api = bare
    tabulate = next(x for x in CONSTRAINTS.read_text().splitlines() if x.startswith("tabulate=="))
    brought = json.dumps({"py_modules": [str(wheel)], "pip": [tabulate]})
    there = Terminal(terminal.folder, {**terminal.environment, **head.environment})
    ran = there.run(
        head.bin / "python", "-m", "ray.scripts.scripts", "job", "submit", "--address", head.api,
        "--runtime-env-json", brought, "--", "python", "-m", "job", *BANK,
    )  # fmt: skip
    assert ran.code == 0, ran.text
    assert "they agree" in api.log(api.jobs()[-1]["submission_id"])


def test_the_installed_command_is_what_a_job_runs(bin_: Path, terminal: Terminal) -> None:
    with short_folder() as folder, started(folder, bin_.parent, terminal.folder) as (_, api):
        number = api.submit(shlex.join(["ray-actor-comparison", *BOOKED]))
        ended, log = api.ended(number), api.log(number)
    assert ended["status"] == "SUCCEEDED", log
    assert log.count(STATES) == 2
    assert "Cluster   Ray job: " in log


def test_make_lock_leaves_the_constraints_as_they_are(
    clone: Path, environment: Mapping[str, str]
) -> None:
    before = (clone / "constraints.txt").read_text()
    made = Terminal(clone, environment).run("make", "lock", timeout_s=INSTALL_TIMEOUT_S)
    skip_without_an_index(made)
    assert made.code == 0, made.text
    assert (clone / "constraints.txt").read_text() == before


# --- by uv


def skip_without_an_index(ran: Outcome) -> None:
    """Skip where uv, which does not know pip's configuration, cannot fetch what it needs."""
    if "Failed to fetch" in ran.text:
        pytest.skip("uv reaches no index from here, whatever pip does")


@pytest.fixture
def uv(terminal: Terminal) -> Terminal:
    """Return the terminal with uv on its path, and with the packages that uv keeps."""
    path = os.pathsep.join((str(Path(sys.executable).parent), terminal.environment["PATH"]))
    if not shutil.which("uv", path=path):
        pytest.skip("uv is not installed; the extra dev brings it")
    own = {name: value for name, value in os.environ.items() if name.startswith("UV_")}
    kept = {"UV_CACHE_DIR": str(Path.home() / ".cache" / "uv"), "UV_SYSTEM_CERTS": "1", **own}
    return Terminal(terminal.folder, {**terminal.environment, **kept, "PATH": path})


def test_uvx_runs_what_is_in_the_tree_now(uv: Terminal, tmp_path: Path) -> None:
    clone = clone_into(tmp_path / "changing")
    door = clone / "job" / "__init__.py"
    for version in (__version__, "0.1.99"):
        door.write_text(door.read_text().replace(__version__, version))
        ran = uv.run("uvx", "--from", clone, "ray-actor-comparison", "--version")
        skip_without_an_index(ran)
        assert ran.stdout == f"ray-actor-comparison {version}\n", ran.text


@pytest.mark.parametrize("project", [True, False], ids=["in the checkout", "elsewhere"])
def test_uv_run_starts_plain_workers(uv: Terminal, tmp_path: Path, project: bool) -> None:  # noqa: FBT001
    clone = clone_into(tmp_path / "clone")
    where = () if project else ("--no-project", "--with", str(clone))
    if project:
        shutil.copy(uv.folder / "ledger.py", clone)
    stand = Terminal(clone if project else uv.folder, uv.environment)
    ran = stand.run("uv", "run", *where, "ray-actor-comparison", *BOOKED, "--output", "kept.json")
    skip_without_an_index(ran)
    assert ran.code == 0, ran.text
    assert ran.stdout.count(STATES) == 2
    kept = json.loads((stand.folder / "kept.json").read_text())
    assert kept["environment"]["runtime_env"] == []
