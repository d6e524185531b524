"""A person's own code on a cluster on which nothing but `ray[default]` is installed."""

from __future__ import annotations

import shlex
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest
import yaml

from job.results.storage import load
from tests.e2e.support import Terminal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.e2e.support import Cluster, Outcome

SCIKIT_LEARN = f"scikit-learn=={version('scikit-learn')}"
OPTIONS = (
    "--target 'shop.model:Model(instance)' --call 'learn(repetition) * 20' --read weights "
    "--instances 4 --strategies serial,actors"
)
FILES = {
    "shop/__init__.py": "",
    "shop/model.py": """
        from sklearn.linear_model import SGDRegressor

        from shop.prices import PRICES


        class Model:
            def __init__(self, seed):
                self.regressor = SGDRegressor(random_state=seed)

            def learn(self, day):
                price = PRICES[day % len(PRICES)]
                self.regressor.partial_fit([[price, day]], [price * day])

            def weights(self):
                return self.regressor.coef_.tolist()
    """,
    "shop/prices.py": """
        from pathlib import Path

        PRICES = [float(line) for line in Path(__file__).with_name("prices.txt").open()]
    """,
    "shop/prices.txt": "1.5\n0.25\n3\n",
    "shop/lost.py": """
        class Lost:
            def read(self):
                return open("prices.txt").read()
    """,
}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a person's repository, in a folder with a space in its name."""
    folder = tmp_path_factory.mktemp("own") / "my code"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        lines = text.lstrip("\n").splitlines(keepends=True)
        (folder / name).write_text("".join(line.removeprefix(" " * 8) for line in lines))
    return folder


def files_of(folder: Path) -> set[Path]:
    """Return what lies in the repository, but for what runs leave there."""
    made = {".venv", "results", "__pycache__"}
    return {path for path in folder.rglob("*") if not made & set(path.parts)}


def make_submit(
    cluster: Cluster, checkout: Path, environment: Mapping[str, str], *variables: str
) -> Outcome:
    """Type `make submit` in the repository."""
    address = f"ADDRESS={cluster.jobs_api.address}"
    return Terminal(checkout, environment).run("make", "submit", address, *variables)


@pytest.mark.release
def test_a_package_and_what_it_imports_go_along_and_travel_by_reference(
    only_ray_cluster: Cluster, checkout: Path, environment: dict[str, str], own: Path
) -> None:
    before = files_of(checkout)
    done = make_submit(
        only_ray_cluster, checkout, environment, f"WITH={own / 'shop'}", f"PIP={SCIKIT_LEARN}",
        """SUBMIT=--entrypoint-num-cpus 1 --metadata-json '{"by": "a test"}'""", f"ARGS={OPTIONS}",
    )  # fmt: skip
    assert done.code == 0, done.text
    assert "they agree" in done.stdout
    job = only_ray_cluster.jobs_api.jobs()[-1]
    assert job["metadata"]["by"] == "a test"
    assert SCIKIT_LEARN in str(job["runtime_env"]["pip"])
    results = load(checkout / "results" / f"{job['submission_id']}.json")
    assert results.environment.travel == "by reference"
    assert results.trials[-1].strategy == "actors"
    (node,) = results.cluster.nodes
    assert node.cpus == node.resources["CPU"] - 1  # which the driver holds
    assert files_of(checkout) == before


@pytest.mark.release
def test_what_is_missing_is_told_with_with_and_pip(
    only_ray_cluster: Cluster, checkout: Path, environment: dict[str, str]
) -> None:
    done = make_submit(only_ray_cluster, checkout, environment, f"ARGS={OPTIONS}")
    assert done.code != 0
    assert "No module named 'shop'" in done.stdout
    assert "make submit WITH=PATH for your own" in done.stdout
    assert "PIP=NAME" in done.stdout


@pytest.mark.release
def test_a_relative_path_is_told_where_it_was_looked_for(
    only_ray_cluster: Cluster, checkout: Path, environment: dict[str, str], own: Path
) -> None:
    target = "ARGS=--target shop.lost:Lost --call read --instances 2"
    done = make_submit(only_ray_cluster, checkout, environment, f"WITH={own / 'shop'}", target)
    assert done.code != 0
    assert "No such file or directory: 'prices.txt'" in done.stdout
    assert "/working_dir_files/" in done.stdout
    assert "Path(__file__).parent" in done.stdout


@pytest.mark.release
def test_from_ones_own_repository_this_package_goes_along(
    only_ray_cluster: Cluster, checkout: Path, environment: dict[str, str], own: Path
) -> None:
    ours = yaml.safe_load((checkout / "runtime_env.yaml").read_text())["pip"]
    runtime_env = own / "runtime_env.yaml"
    runtime_env.write_text(
        yaml.safe_dump({"py_modules": [str(checkout / "job")], "pip": [*ours, SCIKIT_LEARN]})
    )
    ray = shlex.join([f"{checkout}/.venv/bin/python", "-m", "ray.scripts.scripts"])
    address = only_ray_cluster.jobs_api.address
    done = Terminal(own, environment | {"RAY_AUTH_MODE": "token"}).bash(
        f"{ray} job submit --address {address} --working-dir . --runtime-env runtime_env.yaml "
        f"-- python -m job {OPTIONS}"
    )
    assert done.code == 0, done.text
    assert "they agree" in done.stdout
