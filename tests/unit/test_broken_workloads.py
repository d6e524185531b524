"""Every broken file in tests/data gets exactly the sentences in the text file beside it."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from job.cli import run
from job.workload.reading import MOST_BYTES, MOST_VALUES, read_workload

ROOT = Path(__file__).parents[2]
BROKEN = ROOT / "tests" / "data" / "workloads" / "broken"
FILES = sorted(BROKEN.glob("*.yaml"))
MISTAKE = re.compile(r"^(?:Error: )?\S+\.yaml:(\d+): ([\w.\[\]<-]+): (.*)$", re.MULTILINE)


@pytest.fixture(scope="module")
def most_cpu_s(tmp_path_factory: pytest.TempPathFactory) -> float:
    """CPU time that refusing a file may take: that of the largest file allowed, with room."""
    path = tmp_path_factory.mktemp("largest") / "largest.yaml"
    values = ", ".join("1" * (MOST_VALUES - 100))
    path.write_text(
        f"target: a:B\ninstances: 1\ncalls:\n  - {{method: f, args: [{values}]}}\n", "utf-8"
    )
    since = time.process_time()
    read_workload(str(path))
    return 4 * (time.process_time() - since)


def compare_with(file: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Type a command line that runs a workload file; return the exit code."""
    monkeypatch.setattr(sys, "argv", ["job/main.py", "--workload", file])
    with pytest.raises(SystemExit) as left:
        run()
    assert isinstance(left.value.code, int)
    return left.value.code


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_broken_file_gets_its_exact_sentences(
    path: Path,
    most_cpu_s: float,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(BROKEN)
    since = time.process_time()
    assert compare_with(path.name, monkeypatch) == 2
    assert time.process_time() - since < most_cpu_s
    out, err = capsys.readouterr()
    assert (out, err) == ("", path.with_suffix(".txt").read_text())
    assert "ray" not in sys.modules


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_line_that_is_named_holds_the_key_that_is_named(path: Path) -> None:
    # The sentences were taken from the program: this holds them to the files.
    lines = path.read_text(errors="replace").splitlines()
    for line, key, reason in MISTAKE.findall(path.with_suffix(".txt").read_text()):
        last = re.sub(r"(\[\d+\])+$", "", key).rpartition(".")[2]
        within = "calls[" in key or "strategies[" in key or "args[" in key
        assert last in lines[int(line) - 1] or within or reason.startswith("it is missing")


def test_there_are_many_and_each_has_its_sentences() -> None:
    assert len(FILES) >= 40
    assert sorted(BROKEN.glob("*.txt")) == [path.with_suffix(".txt") for path in FILES]


def test_a_broken_file_is_refused_with_little_more_than_the_libraries_it_takes() -> None:
    script = (
        "import sys, time; import click, pydantic, yaml; libraries_s = time.process_time()\n"
        "from job.cli import run\n"
        "sys.argv = ['job/main.py', '--workload', sys.argv[1]]\n"
        "try: run()\n"
        "except SystemExit as left: print(left.code)\n"
        "print(*{'ray', 'numpy', 'plotly'}.intersection(sys.modules))\n"
        "print(time.process_time() / libraries_s)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(BROKEN / "everything.yaml")],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    code, ratio = done.stdout.split()  # and no library that is slow to load
    assert code == "2"
    assert float(ratio) < 6
    assert done.stderr.count("everything.yaml:") == 11


def test_a_large_file_is_refused_before_it_is_read(
    most_cpu_s: float,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "large.yaml"
    path.write_bytes(b"- 1\n" * (10 * 2**20 // 4))
    since = time.process_time()
    assert compare_with(str(path), monkeypatch) == 2
    assert time.process_time() - since < most_cpu_s
    assert capsys.readouterr().err == (
        f"Error: {path}: not a file of at most {MOST_BYTES // 1024} KiB\n"
        "Large data belongs where the target can load it.\n"
    )


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("./nowhere.yaml", "nowhere.yaml: cannot be read (No such file or directory)"),
        ("folder.yaml", "folder.yaml: not a file"),
        ("/dev/zero", "/dev/zero: not a file"),
        ("conter", "--workload conter: there is no such bundled workload: the nearest is counter"),
        ("a\0.yaml", "cannot be read (embedded null byte)"),
    ],
)
def test_what_is_no_workload_is_refused(
    name: str,
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.yaml").mkdir()
    assert compare_with(name, monkeypatch) == 2
    assert says in capsys.readouterr().err


def test_nothing_that_a_file_names_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from job.workload.reading import build, read_workload

    (tmp_path / "harmful.py").write_text("raise SystemExit('it was imported')")
    (tmp_path / "ours.yaml").write_text("target: harmful:Class()\ninstances: 1\ncalls: [touch]\n")
    monkeypatch.syspath_prepend(tmp_path)
    build(read_workload(str(tmp_path / "ours.yaml")), {})
    assert "harmful" not in sys.modules
