"""docs/workloads.md documents every key, and each of its examples can be used as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from job.workload.importing import load_target
from job.workload.model import FORMS, Plan, Workload
from job.workload.reading import build, read_workload

TEXT = (Path(__file__).parents[2] / "docs" / "workloads.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
KEYS = [*Workload.model_fields, *Plan.model_fields]
KEYS += [key for form in FORMS.values() for key in form.model_fields]


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_can_be_used_as_it_stands(example: str, tmp_path: Path) -> None:
    path = tmp_path / "example.yaml"
    path.write_text(example, "utf-8")
    workload, _ = build(read_workload(str(path)), {})
    args, kwargs = workload.target.arguments(0)
    made = load_target(workload.target)(*args, **kwargs)
    for call in workload.calls:
        args, kwargs = call.arguments(0)
        if workload.target.module != "job.targets.counter":  # it sleeps
            getattr(made, call.method)(*args, **kwargs)
    assert workload.read is None or hasattr(made, workload.read)


@pytest.mark.parametrize("key", sorted(set(KEYS)))
def test_every_key_is_documented_and_stands_in_an_example(key: str) -> None:
    assert f"`{key}`" in TEXT
    assert any(re.search(rf"\b{key}:", example) for example in EXAMPLES)
