"""The command line without a cluster: help at once, and a sentence for every wrong option."""

from __future__ import annotations

import json
import math
import os
import random
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import click
import pytest
import yaml
from click.shell_completion import ShellComplete

from job import __version__
from job.cli import commands, run
from job.commands.console import Console
from job.results.document import Judged
from job.results.storage import load, save
from job.results.sweep import Sweep

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "data" / "results-v1.json"
HELP = "`--help` lists the options and what they take.\n"
INSTANCES = "it says how many instances there are, 1 to 10,000,000\n"


@pytest.fixture(autouse=True)
def _no_cluster_around(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("RAY_ADDRESS", "RAY_JOB_CONFIG_JSON_ENV_VAR"):
        monkeypatch.delenv(variable, raising=False)


class Shell:
    """Types a command line in this process; Ray must not be reached by it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """Take what a command line changes."""
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def types(self, *words: str) -> tuple[int, str, str]:
        """Return exit code, stdout and stderr."""
        self._monkeypatch.setattr(sys, "argv", ["job/main.py", *words])
        try:
            run()
            code: object = 0
        except SystemExit as left:
            code = left.code or 0
        out, err = self._capsys.readouterr()
        assert isinstance(code, int)
        assert "ray" not in sys.modules
        return code, out, err


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(monkeypatch, capsys)


def imported(*words: str, **variables: str) -> tuple[set[str], str]:
    """Run the real command; return the top-level modules it loaded, and its output."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", str(ROOT / "job" / "main.py"), *words],
        check=True, capture_output=True, text=True, timeout=60, env={**os.environ, **variables},
    )  # fmt: skip
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}, done.stdout


# --- what is loaded


def test_help_loads_nothing_that_takes_long() -> None:
    modules, text = imported("--help")
    assert "click" in modules
    assert modules.isdisjoint({"ray", "pydantic", "yaml", "tabulate", "numpy"})
    assert "Usage: " in text
    for word in ("--instances", "--target", "--output", "--address", "report"):
        assert word in text
    assert max(map(len, text.splitlines())) <= 100


def test_the_version_is_told_at_once_and_help_lists_it(shell: Shell) -> None:
    modules, text = imported("--version")
    assert text == f"ray-actor-comparison {__version__}\n"
    assert modules.isdisjoint({"ray", "pydantic", "yaml", "tabulate", "numpy"})
    assert re.search(r"^  --version +\S", shell.types("--help")[1], re.MULTILINE)


def test_a_saved_file_is_reported_without_ray() -> None:
    modules, text = imported("report", str(GOLDEN))
    assert "tabulate" in modules
    assert "ray" not in modules
    assert text.startswith("Cluster ")
    assert "Verdict " in text


def test_two_saved_files_are_compared_without_ray() -> None:
    modules, text = imported("compare", str(GOLDEN), str(GOLDEN), "--fail-if-slower", "5%")
    assert "tabulate" in modules
    assert "ray" not in modules
    assert text.startswith("Old ")
    assert "not significant" in text


# --- help and completion


@pytest.mark.parametrize(
    ("command", "sections"),
    [
        ("run", "Workload Layout Measuring Cluster Report Help"),
        ("sweep", "Sweep Workload Layout Measuring Cluster Report Help"),
        ("check", "Workload Layout Measuring Cluster Report Help"),
    ],
)
def test_help_shows_each_option_in_one_section(command: str, sections: str) -> None:
    made = commands.commands[command]
    text = made.get_help(click.Context(made, info_name=command))
    found = re.findall(r"^(\w+):$(.*?)(?=^\w|\Z)", text, re.MULTILINE | re.DOTALL)
    assert [name for name, _ in found] == sections.split()
    shown = re.findall(r"^  (?:-h, )?(--[a-z-]+)", text, re.MULTILINE)
    assert sorted(shown) == sorted(
        [name for each in made.params for name in each.opts] + ["--help"]
    )


def test_sections_hold_what_their_names_say(shell: Shell) -> None:
    _, text, _ = shell.types("--help")
    held = dict(re.findall(r"^(\w+):$(.*?)(?=^\w|\Z)", text, re.MULTILINE | re.DOTALL))
    sensible = {
        "Workload": "--workload --target --call --read --instances --module-path",
        "Layout": "--shards --workers --cpus-per-actor",
        "Measuring": "--strategies --trials --warmups --budget --dry-run",
        "Cluster": "--address --wait-for-cpus",
        "Report": "--output --html --format --require-speedup",
        "Commands": "run sweep check report compare fetch workloads schema",
    }
    for section, names in sensible.items():
        for name in names.split():
            assert re.search(rf"^  {name}\b", held[section], re.MULTILINE), (section, name)


@pytest.mark.parametrize(
    ("typed", "incomplete", "found"),
    [
        ("", "--str", "--strategies"),
        ("", "comp", "compare"),
        ("--trials 3", "--warm", "--warmups"),
        ("run", "--warm", "--warmups"),
        ("sweep --over shards=1,2", "--we", "--weak"),
        ("compare", "--fail", "--fail-if-slower"),
    ],
)
def test_a_shell_completes_commands_and_options(typed: str, incomplete: str, found: str) -> None:
    completion = ShellComplete(commands, {}, "ray-actor-comparison", "_COMPLETE")
    offered = completion.get_completions(typed.split(), incomplete)
    assert [each.value for each in offered] == [found]


def test_the_first_word_may_be_any_command_and_a_file_is_left_to_the_shell() -> None:
    completion = ShellComplete(commands, {}, "ray-actor-comparison", "_COMPLETE")
    assert {each.value for each in completion.get_completions([], "")} == {*commands.commands}
    for typed in (["report"], ["--output"], ["compare", "old.json"]):
        assert [each.type for each in completion.get_completions(typed, "re")] == ["file"]


def test_completing_loads_nothing_that_takes_long() -> None:
    # As an installed script is asked, but for its name.
    modules, text = imported(
        _MAIN_PY_COMPLETE="bash_complete", COMP_WORDS="main.py --str", COMP_CWORD="1"
    )
    assert text == "plain,--strategies\n"
    assert modules.isdisjoint({"ray", "pydantic", "yaml", "tabulate", "numpy"})


# --- workload files


def test_workloads_lists_the_bundled_ones(shell: Shell) -> None:
    code, out, err = shell.types("workloads")
    assert (code, err) == (0, "")
    assert "counter" in out
    assert max(map(len, out.splitlines())) <= 100


def test_schema_prints_what_editors_take(shell: Shell) -> None:
    code, out, err = shell.types("schema")
    assert (code, err) == (0, "")
    assert json.loads(out)["required"] == ["target", "instances", "calls"]


# --- wrong options


@pytest.mark.parametrize(
    ("words", "message"),
    [
        *(
            (["--instances", n], f"Error: --instances: {n!r} is not allowed: {INSTANCES}{HELP}")
            for n in ("0", "1000000000", "x")
        ),
        (
            ["--address", "http://10.0.0.5:8265"],
            (
                "Error: --address http://10.0.0.5:8265: a http:// address cannot be used here\n"
                "That is the address of the Jobs API. Submit a job to it (ray job submit --address "
                "http://10.0.0.5:8265 -- python job/main.py), or name Ray's own port: "
                "10.0.0.5:6379.\n"
            ),
        ),
        (
            ["--address", "ray://10.0.0.5:10001"],
            (
                "Error: --address ray://10.0.0.5:10001: a ray:// address cannot be used here\n"
                "Ray Client is not supported. Name Ray's own port instead: 10.0.0.5:6379.\n"
            ),
        ),
        (
            ["--address", "10.0.0.5"],
            (
                "Error: --address '10.0.0.5': not an address\n"
                "It is local, auto or HOST:PORT, such as 10.0.0.5:6379.\n"
            ),
        ),
    ],
)
def test_a_wrong_value_gets_its_sentences_and_exit_code_2(
    shell: Shell, words: list[str], message: str
) -> None:
    assert shell.types(*words) == (2, "", message)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--instnaces", "4"], "No such option"),
        (["run", "--nonsense"], "No such option"),
        (["swep", "--over", "shards=1,2"], "Did you mean 'sweep'?"),
        (["--instances"], "--instances"),
        (["repotr"], "repotr"),
        (["report"], "FILE"),
        (["compare", str(GOLDEN)], "NEW"),
        (["compare", str(GOLDEN), str(GOLDEN), "--fail-if-slower", "5"], "5: not a share"),
        (["compare", str(GOLDEN), str(GOLDEN), "--fail-if-slower", "0.5%"], "is never called one"),
        (["--require-speedup", "fast"], "--require-speedup fast: not a factor"),
        (["--require-speedup", "shraded:2"], "'shraded' is no strategy"),
        (
            ["--strategies", "serial,actors", "--require-efficiency", "sharded:80%"],
            "sharded is not among the strategies that are run",
        ),
        (["report", "none.json", "--require-efficiency", "80"], "80: not a share"),
        (["--call", "book(open('x'))"], "--call: \"book(open('x'))\": open('x') "),
        (["--target", "Counter"], "--target: 'Counter' is no target"),
        (["--strategies", "seriall"], "--strategies: 'seriall' is not allowed"),
        (["--format", "fancy"], "--format fancy: no such format"),
        (["report", str(GOLDEN), "--format", "fancy"], "--format fancy: no such format"),
        (
            ["--target", "no_such_module_here:Counter"],
            "module 'no_such_module_here' cannot be imported",
        ),
        (["--html", ""], "--html: it names no file"),
        (["--junit", ""], "--junit: it names no file"),
        (["--output", ""], "--output: it names no file"),
        (["sweep", "--over", "shards=1,2", "--output", ""], "--output: it names no file"),
        (["report", str(GOLDEN), "--html", ""], "--html: it names no file"),
        (["--strategies", "serial", "--chaos", "kill=1"], "--chaos: kill=1 finds nothing to kill"),
        (["--chaos", "kill=1,seed=-1"], "--chaos: 'seed=-1' is not allowed: it says"),
        (["--target", "collections:Countre"], "'collections' has no 'Countre'"),
    ],
)
def test_whatever_else_is_wrong_is_named_with_exit_code_2(
    shell: Shell, words: list[str], says: str
) -> None:
    code, out, err = shell.types(*words)
    assert (code, out) == (2, "")
    assert says in err
    assert "Traceback" not in err


def test_an_unknown_format_is_answered_with_those_there_are(shell: Shell) -> None:
    _, _, err = shell.types("--format", "fancy")
    assert "github" in err
    assert "simple" in err


@pytest.mark.parametrize("address", ["http://10.0.0.5:8265", "ray://10.0.0.5:10001"])
def test_an_address_from_the_environment_is_refused_by_its_name(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", address)
    code, _, err = shell.types()
    assert code == 2
    assert err.startswith(f"Error: RAY_ADDRESS {address}: ")


def test_an_output_that_cannot_be_written_is_refused_before_anything_runs(
    shell: Shell, tmp_path: Path
) -> None:
    place = tmp_path / "missing" / "results.json"
    # The target does not exist either: nothing was even imported when the output was refused.
    code, out, err = shell.types("--output", str(place), "--target", "no_such_module_here:C")
    assert (code, out) == (6, "")
    assert err == (
        f"Error: --output {place}: cannot be written (No such file or directory)\n"
        "Name a file in a folder that exists and is yours.\n"
    )


# --- saved files


def test_a_results_file_cut_in_half_is_told_with_exit_code_6(shell: Shell, tmp_path: Path) -> None:
    path, whole = tmp_path / "half.json", GOLDEN.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    code, out, err = shell.types("report", str(path))
    assert (code, out) == (6, "")
    assert err.startswith(f"Error: {path}: not a complete results document (")
    assert err.endswith("\nName a file that `--output` wrote; it may be cut short.\n")


def test_a_results_file_that_is_missing_is_told_with_exit_code_6(
    shell: Shell, tmp_path: Path
) -> None:
    path = tmp_path / "none.json"
    assert shell.types("report", str(path)) == (
        6,
        "",
        (
            f"Error: {path}: cannot be read (No such file or directory)\n"
            "Name a file that `--output` wrote.\n"
        ),
    )


def test_a_saved_file_is_printed_on_stdout_in_any_format(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    save(load(GOLDEN), path)
    code, out, err = shell.types("report", str(path), "--format", "github", "--wide")
    assert (code, err) == (0, "")
    assert "| strategy" in out
    assert "95 % interval" in out


# --- gates


def test_a_saved_file_passes_its_gates(shell: Shell) -> None:
    code, out, err = shell.types("report", str(GOLDEN), "--require-speedup", "actors:2")
    assert (code, err) == (0, "")
    assert out.endswith(
        "Gate      ✓ --require-speedup actors:2: actors is 2.45 times as fast, 2 demanded\n"
    )


def test_a_missed_gate_of_a_saved_file_exits_with_7_after_the_report(shell: Shell) -> None:
    code, out, err = shell.types(
        "report", str(GOLDEN), "--require-speedup", "2", "--require-efficiency", "99.9%"
    )
    assert code == 7
    assert "\nVerdict   Use actors" in out
    assert "\nGate      ✓ --require-speedup 2: " in out
    assert "\nGate      ✗ --require-efficiency 99.9%: " in out
    assert err == (
        "Error: 1 of 2 gates missed: --require-efficiency 99.9%: actors reached 99.3%, 99.9% "
        "demanded\n"
    )


def slowed(path: Path, factor: float, **workload: object) -> str:
    """Save the golden results with all times longer by a factor."""
    results = load(GOLDEN)
    trials = tuple(
        trial.model_copy(
            update={
                key: factor * getattr(trial, key)
                for key in ("startup_s", "work_s", "read_s", "elapsed_s")
            }
        )
        for trial in results.trials
    )
    other = results.workload.model_copy(update=workload)
    save(results.with_(trials=trials, workload=other), path)
    return str(path)


def test_a_slower_run_exits_with_7_where_that_is_demanded(shell: Shell, tmp_path: Path) -> None:
    new = slowed(tmp_path / "new.json", 1.3)
    assert shell.types("compare", str(GOLDEN), new)[0] == 0
    code, out, err = shell.types("compare", str(GOLDEN), new, "--fail-if-slower", "10%")
    assert code == 7
    assert "Gate      ✗ --fail-if-slower 10%: serial +30.0% in elapsed, the plain ratio" in out
    assert err.startswith("Error: 2 of 2 gates missed: --fail-if-slower 10%: serial +30.0%")
    assert shell.types("compare", new, str(GOLDEN), "--fail-if-slower", "10%")[0] == 0


def test_of_several_files_each_is_judged_against_the_first(shell: Shell, tmp_path: Path) -> None:
    slow, same = slowed(tmp_path / "slow.json", 1.3), slowed(tmp_path / "same.json", 1.0)
    code, out, err = shell.types("compare", str(GOLDEN), same, slow, "--fail-if-slower", "10%")
    assert code == 7
    for strategy in ("serial", "actors"):
        assert f"Gate      ✓ --fail-if-slower 10%: same.json: {strategy} 0.0% in elapsed" in out
        assert f"Gate      ✗ --fail-if-slower 10%: slow.json: {strategy} +30.0% in elapsed" in out
    assert err.startswith("Error: 2 of 4 gates missed: --fail-if-slower 10%: slow.json: serial ")
    assert shell.types("compare", str(GOLDEN), same, same, "--fail-if-slower", "10%")[0] == 0


def test_files_of_one_name_are_told_apart_by_their_folders(shell: Shell, tmp_path: Path) -> None:
    places = [tmp_path / folder / "new.json" for folder in ("monday", "tuesday")]
    for place in places:
        place.parent.mkdir()
        slowed(place, 1.0)
    code, out, _ = shell.types("compare", str(GOLDEN), *map(str, places))
    assert code == 0
    for place in places:
        assert len(re.findall(rf"^\w+ +{place} ", out, re.MULTILINE)) == 2


def test_of_several_files_those_that_differ_are_compared_by_force_only(
    shell: Shell, tmp_path: Path
) -> None:
    same, other = (
        slowed(tmp_path / f"{name}.json", 1.0, target=target)
        for name, target in (("same", load(GOLDEN).workload.target), ("other", "m:Other"))
    )
    code, out, err = shell.types("compare", str(GOLDEN), same, other)
    assert (code, out) == (2, "")
    assert "NEW (other.json) cannot be compared: target " in err
    code, out, _ = shell.types("compare", str(GOLDEN), same, other, "--force")
    assert code == 0
    assert "\nDiffers   other.json: target " in out


def test_like_runs_of_unlike_numbers_and_noise_are_called_changed_in_5_of_100(
    shell: Shell, tmp_path: Path
) -> None:
    rng, old, new = random.Random(17), tmp_path / "old.json", tmp_path / "new.json"  # noqa: S311
    pairs, changed, missed = 100, 0, 0
    for _ in range(pairs):
        keep_noisy(old, rng, trials=30, noise=0.02)
        keep_noisy(new, rng, trials=7, noise=0.1)
        code, out, _ = shell.types("compare", str(old), str(new), "--fail-if-slower", "1%")
        assert code in (0, 7)
        missed += code == 7
        changed += bool(re.search(r" elapsed .* (slower|faster)$", out, re.MULTILINE))
    assert changed <= 5 + 3 * math.sqrt(5)  # what the count itself is off; one test alone: 14
    assert missed <= changed


def keep_noisy(place: Path, rng: random.Random, trials: int, noise: float) -> None:
    """Save a run of the golden one's strategies whose phases vary by so much, independently."""
    golden, made = load(GOLDEN), []
    for index in range(trials):
        for trial in golden.trials[-2:]:
            times = {key: getattr(trial, key) * rng.gauss(1, noise)
                     for key in ("startup_s", "work_s", "read_s")}  # fmt: skip
            keys = {**times, "index": index, "warmup": False, "elapsed_s": sum(times.values())}
            made.append(trial.model_copy(update=keys))
    save(golden.with_(trials=tuple(made)), place)


def test_other_workloads_are_compared_by_force_only(shell: Shell, tmp_path: Path) -> None:
    new = slowed(tmp_path / "new.json", 1.0, target="m:Other")
    code, out, err = shell.types("compare", str(GOLDEN), new)
    assert (code, out) == (2, "")
    assert "m:Other" in err
    assert "--force" in err
    code, out, _ = shell.types("compare", str(GOLDEN), new, "--force")
    assert code == 0
    assert "\nDiffers   target job.targets.counter:Counter(delay=1.0) and m:Other\n" in out


# --- gates as JUnit's XML


def test_the_pipelines_in_the_docs_can_be_read_and_name_options_that_exist() -> None:
    text = (ROOT / "docs" / "ci.md").read_text("utf-8")
    _, github, gitlab = map(yaml.safe_load, re.findall(r"```yaml\n(.*?)```", text, re.DOTALL))
    lines = [step["run"] for step in github["jobs"]["speed"]["steps"] if "run" in step]
    known = {name for each in commands.commands.values() for p in each.params for name in p.opts}
    for line in [*lines, *gitlab["speed"]["script"]]:
        if "ray-actor-comparison --" in line or "ray-actor-comparison compare" in line:
            assert set(re.findall(r"--[a-z-]+", line)) <= known
            assert "--junit" in line


def failures(place: Path) -> list[str | None]:
    """Return what each test case's failure says, None where it passed."""
    cases = ET.parse(place).iter("testcase")  # noqa: S314 - what this test has written
    found = [case.find("failure") for case in cases]
    return [None if each is None else str(each.get("message")) for each in found]


def test_gates_are_written_as_test_cases(shell: Shell, tmp_path: Path) -> None:
    place = tmp_path / "gates.xml"
    junit = ("--junit", str(place))
    gates = ("--require-speedup", "2", "--require-efficiency", "99.9%")
    assert shell.types("report", str(GOLDEN), *gates, *junit)[0] == 7
    met, missed = failures(place)
    assert met is None
    assert str(missed).startswith("--require-efficiency 99.9%: actors reached 99.3%")
    new = slowed(tmp_path / "new.json", 1.3)
    assert shell.types("compare", str(GOLDEN), new, "--fail-if-slower", "40%", *junit)[0] == 0
    assert failures(place) == [None, None]
    assert shell.types("compare", str(GOLDEN), new, "--fail-if-slower", "5%", *junit)[0] == 7
    assert None not in failures(place)


def test_gates_that_a_saved_run_was_held_to_are_written_too(shell: Shell, tmp_path: Path) -> None:
    place, saved = tmp_path / "gates.xml", tmp_path / "saved.json"
    save(load(GOLDEN).with_(gates=(Judged(met=True, text="as then"),)), saved)
    assert shell.types("report", str(saved), "--junit", str(place))[0] == 0
    assert failures(place) == [None]


@pytest.mark.parametrize(
    "words",
    [
        ("--trials", "7"),
        ("report", str(GOLDEN)),
        ("compare", str(GOLDEN), str(GOLDEN)),
    ],
)
def test_without_a_gate_there_is_nothing_to_write(
    shell: Shell, tmp_path: Path, words: tuple[str, ...]
) -> None:
    code, _, err = shell.types(*words, "--junit", str(tmp_path / "gates.xml"))
    assert code == 2
    assert "gates.xml: there is no gate to judge" in err
    assert "--require-speedup 2" in err


def test_where_the_cases_cannot_be_written_nothing_runs(shell: Shell, tmp_path: Path) -> None:
    place = tmp_path / "missing" / "gates.xml"
    code, out, err = shell.types(
        "--junit", str(place), "--require-speedup", "2", "--target", "no_such_module_here:C"
    )
    assert (code, out) == (6, "")
    assert err.startswith(f"Error: --junit {place}: cannot be written")


def test_a_run_that_ends_before_gates_are_judged_leaves_no_passed_case(
    shell: Shell, tmp_path: Path
) -> None:
    place = tmp_path / "gates.xml"
    junit = ("--junit", str(place))
    for words, code in (
        (("--require-speedup", "2", "--target", "no_such_module_here:C"), 2),
        (("report", str(tmp_path / "none.json")), 6),
        (("compare", str(GOLDEN), str(tmp_path / "none.json"), "--fail-if-slower", "5%"), 6),
    ):
        assert shell.types("report", str(GOLDEN), "--require-speedup", "2", *junit)[0] == 0
        assert failures(place) == [None]
        assert shell.types(*words, *junit)[0] == code
        (said,) = failures(place)
        assert str(said).endswith("it ended before anything was judged")


@pytest.mark.parametrize("status", ["interrupted", "failed", "disagree"])
def test_a_run_that_did_not_complete_fails_each_case(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], status: str
) -> None:
    place = tmp_path / "gates.xml"
    console = Console({"style": "simple", "speedups": ("2", "3"), "junit": str(place)})
    console.show(load(GOLDEN).with_(status=status))
    assert "cannot be judged" in capsys.readouterr().out
    found = failures(place)
    assert [str(said).partition(":")[0] for said in found] == [
        "--require-speedup 2",
        "--require-speedup 3",
    ]
    assert all("cannot be judged: it " in str(said) for said in found)


def test_a_sweep_is_neither_gated_nor_compared(shell: Shell, tmp_path: Path) -> None:
    place = tmp_path / "sweep.json"
    place.write_text(Sweep(over="shards").model_dump_json())
    code, out, err = shell.types("report", str(place), "--require-speedup", "2")
    assert (code, out) == (2, "")
    assert "--require-speedup 2: " in err
    assert "holds a sweep" in err
    code, _, err = shell.types("report", str(place), "--junit", str(tmp_path / "gates.xml"))
    assert code == 2
    assert "--junit: " in err
    assert "holds a sweep" in err
    code, out, err = shell.types("compare", str(GOLDEN), str(place))
    assert (code, out) == (6, "")
    assert f"{place}: not a complete results document" in err


def test_a_tick_is_no_reason_to_fail_where_the_encoding_has_none() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "job" / "main.py", "report", GOLDEN, "--require-speedup", "2"],
        check=True, capture_output=True, timeout=60,
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
    )  # fmt: skip
    assert b"Gate      ? --require-speedup 2: " in done.stdout
