"""docs/workloads.md documents every key, and each of its examples can be used as it stands."""

from __future__ import annotations

import importlib
import re
import sys
from operator import attrgetter
from pathlib import Path

import pytest

from job.results.document import Computed
from job.workload.calls import Target
from job.workload.importing import load_target
from job.workload.model import FORMS, Plan, Workload
from job.workload.reading import build, read_workload

TEXT = (Path(__file__).parents[2] / "docs" / "workloads.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
MODULES = re.findall(r"^```python\n# (\w+\.py)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
KEYS = [*Workload.model_fields, *Plan.model_fields]
KEYS += [key for form in FORMS.values() for key in form.model_fields]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder in which the modules of the text can be imported."""
    monkeypatch.syspath_prepend(tmp_path)
    for name, content in MODULES:
        (tmp_path / name).write_text(content, "utf-8")
        monkeypatch.delitem(sys.modules, name.removesuffix(".py"), raising=False)
    return tmp_path


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_can_be_used_as_it_stands(example: str, folder: Path) -> None:
    if "batches:" in example:
        pytest.importorskip("numpy")
    path = folder / "example.yaml"
    path.write_text(example, "utf-8")
    workload, _ = build(read_workload(str(path)), {})
    args, kwargs = workload.target.arguments(0)
    made = load_target(workload.target)(*args, **kwargs)
    for call in workload.calls:
        args, kwargs = call.arguments(0)
        if workload.target.module != "job.targets.counter":  # it sleeps
            attrgetter(call.method)(made)(*args, **kwargs)
    assert workload.read is None or attrgetter(workload.read)(made) is not None


@pytest.mark.usefixtures("folder")
def test_an_array_in_a_call_is_shown_in_a_line_and_kept_in_few_characters() -> None:
    np = pytest.importorskip("numpy")
    nets = importlib.import_module("nets")
    calls = [{"method": "fit", "args": [np.ones((3_000, 8))], "times": 10}]
    kwargs = {"config": nets.Config(8), "noise": [np.ones(50)] * 500}
    target = Target("nets", "Net", kwargs=kwargs)
    workload, _ = build({"target": target, "calls": calls, "instances": 4}, {})
    kept = Computed.model_validate(workload.model_dump(mode="json"))
    assert str(kept) == str(workload)
    assert "\n" not in str(kept)
    assert len(str(kept)) < 220
    assert str(kept).startswith("4 x nets:Net(config=Config(size=8, rate=0.1), noise=[a")
    assert str(kept).endswith(" * 10")
    assert len(kept.model_dump_json()) < 15_000


def test_the_wrapper_class_has_six_lines() -> None:
    (wrapper,) = (content for name, content in MODULES if name == "batches.py")
    lines = wrapper[wrapper.index("class ") :].splitlines()
    assert len(list(filter(None, lines))) == 6


@pytest.mark.parametrize("key", sorted(set(KEYS)))
def test_every_key_is_documented_and_stands_in_an_example(key: str) -> None:
    assert f"`{key}`" in TEXT
    assert any(re.search(rf"\b{key}:", example) for example in EXAMPLES)
