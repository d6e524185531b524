"""What `make submit` takes along: WITH, PIP and SUBMIT, before anything is uploaded."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest
import yaml

from deploy import luggage
from deploy.luggage import ROOT, merge_pip, pack, read_submit, read_with, working_dir
from job.errors import UsageError

OURS = ["pyyaml==6.0.3", "tabulate==0.10.0"]


def make(folder: Path, *names: str) -> Path:
    """Make files that hold their own name."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def taken(*paths: Path) -> set[str]:
    """Return what lies in the job's working directory, but for this package."""
    names = working_dir(paths)
    assert "job/main.py" in names
    return {name for name in names if not name.startswith("job/")}


# --- WITH


def test_a_module_is_taken_with_what_lies_beside_it(tmp_path: Path) -> None:
    make(
        tmp_path, "ledger.py", "rates.py", "rates.csv", "books/__init__.py", "books/data/a.csv",
        "photos/a.jpg", ".env", "__pycache__/rates.cpython-311.pyc",
    )  # fmt: skip
    (tmp_path / "film.bin").write_bytes(bytes(luggage.SMALL + 1))
    assert taken(tmp_path / "ledger.py") == {
        "ledger.py", "rates.py", "rates.csv", "books/__init__.py", "books/data/a.csv",
    }  # fmt: skip


def test_a_package_is_taken_by_its_name_with_its_data(tmp_path: Path) -> None:
    make(tmp_path, "shop/__init__.py", "shop/cart.py", "shop/data/tax.csv", "beside.py")
    expected = {"shop/__init__.py", "shop/cart.py", "shop/data/tax.csv"}
    assert taken(tmp_path / "shop") == expected
    assert taken(tmp_path / "shop" / "data" / "..") == expected


def test_of_a_project_everything_is_taken_that_is_no_tools(tmp_path: Path) -> None:
    make(
        tmp_path, "model.py", "shop/__init__.py", "data/a.csv", "pyproject.toml", "mine.yaml",
        ".git/config", ".venv/x.py", "env/pyvenv.cfg", "env/lib/x.py", "node_modules/x.js",
        "shop/__pycache__/x.pyc", "shop.egg-info/PKG-INFO", ".mypy_cache/x",
    )  # fmt: skip
    assert taken(tmp_path) == {
        "model.py", "shop/__init__.py", "data/a.csv", "pyproject.toml", "mine.yaml",
    }  # fmt: skip


def test_of_a_src_layout_what_is_imported_lies_in_the_root(tmp_path: Path) -> None:
    make(tmp_path, "src/shop/cart.py", "src/till.py", "src/shop.egg-info/x", "data/a.csv")
    assert taken(tmp_path) == {"shop/cart.py", "till.py", "data/a.csv"}
    assert taken(tmp_path / "src") == {"shop/cart.py", "till.py"}


def test_a_src_that_is_a_package_or_holds_no_python_stays_where_it_is(tmp_path: Path) -> None:
    package = make(tmp_path / "a", "src/__init__.py", "src/model.py")
    assert taken(package) == {"src/__init__.py", "src/model.py"}
    in_c = make(tmp_path / "b", "src/fast.c", "fast.py")
    assert taken(in_c) == {"src/fast.c", "fast.py"}


def test_a_folder_that_leads_back_to_itself_is_taken_once(tmp_path: Path) -> None:
    make(tmp_path, "shop/__init__.py")
    (tmp_path / "shop" / "again").symlink_to(tmp_path / "shop")
    make(tmp_path, "elsewhere/a.csv")
    (tmp_path / "shop" / "data").symlink_to(tmp_path / "elsewhere")
    assert taken(tmp_path / "shop") == {"shop/__init__.py", "shop/data/a.csv"}


def test_two_projects_may_have_files_of_one_name_that_nobody_imports(tmp_path: Path) -> None:
    shared = ("README.md", "setup.py", "conftest.py", "tests/__init__.py", "docs/conf.py")
    one = make(tmp_path / "one", "shop.py", *shared)
    two = make(tmp_path / "two", "till.py", *shared)
    assert taken(one, two) == {"shop.py", "till.py", *shared}
    assert working_dir((one, two))["README.md"].parent == one


def test_two_modules_of_one_folder_go_together(tmp_path: Path) -> None:
    make(tmp_path, "shop.py", "till.py")
    assert taken(tmp_path / "shop.py", tmp_path / "till.py") == {"shop.py", "till.py"}


def test_two_modules_of_one_name_are_refused(tmp_path: Path) -> None:
    one, two = make(tmp_path / "one", "shop.py"), make(tmp_path / "two", "shop.py")
    with pytest.raises(UsageError, match=r"WITH=.*two: .*one.shop\.py is called shop\.py as well"):
        working_dir((one, two))


@pytest.mark.parametrize(
    "name", ["job.py", "job/__init__.py", "src/job/__init__.py", "yaml/__init__.py"]
)
def test_what_is_called_as_this_package_is_refused(tmp_path: Path, name: str) -> None:
    make(tmp_path, name, "other.py")
    with pytest.raises(UsageError, match="a name that the job itself needs"):
        working_dir((tmp_path,))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("shop.whl", "no Python module"),
        ("notes", "nothing in it that Python imports"),
        ("nowhere", "there is no such file or folder"),
    ],
)
def test_what_cannot_be_taken_is_told(tmp_path: Path, name: str, said: str) -> None:
    make(tmp_path, "shop.whl", "notes/a.txt")
    with pytest.raises(UsageError, match=rf"WITH=.*{name}: .*{said}"):
        working_dir(read_with(str(tmp_path / name)))


def test_paths_are_separated_by_spaces_and_quoted_where_they_hold_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "my shop/a.py", "till.py")
    monkeypatch.chdir(tmp_path)
    assert read_with("") == ()
    assert read_with("till.py") == (Path("till.py"),)
    assert read_with("my shop") == (Path("my shop"),)
    assert read_with("'my shop' till.py") == (Path("my shop"), Path("till.py"))
    with pytest.raises(UsageError, match="WITH=my: there is no such") as error:
        read_with("my shop till.py")
    assert """WITH="'../my code' ../other.py\"""" in error.value.hint
    with pytest.raises(UsageError, match="WITH='my shop: No closing quotation"):
        read_with("'my shop")


# --- the upload


def test_the_archive_holds_the_files_by_their_names(tmp_path: Path) -> None:
    make(tmp_path, "shop/a.py", "b.csv")
    os.utime(tmp_path / "b.csv", (0, 0))  # before the years that an archive can tell
    files = {"shop/a.py": tmp_path / "shop" / "a.py", "b.csv": tmp_path / "b.csv"}
    for name in ("one.zip", "two.zip"):
        pack(files, tmp_path / name)
    archive = zipfile.ZipFile(tmp_path / "one.zip")
    assert {name: archive.read(name).decode() for name in archive.namelist()} == {
        "b.csv": "b.csv", "shop/a.py": "shop/a.py",
    }  # fmt: skip
    # Ray uploads what it does not know yet, by its digest.
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_more_than_the_jobs_api_takes_is_told_with_what_is_largest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(luggage, "LIMIT", 100_000)
    make(tmp_path, "a.py")
    (tmp_path / "film.bin").write_bytes(os.urandom(200_000))
    files = {name: tmp_path / name for name in ("a.py", "film.bin")}
    with pytest.raises(UsageError, match=r"over 100 kB.*Jobs API") as error:
        pack(files, tmp_path / "whole.zip")
    assert "film.bin (200 kB)" in error.value.hint


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"WITH: .*gone\.csv"):
        pack({"gone.csv": tmp_path / "gone.csv"}, tmp_path / "whole.zip")


def test_without_anything_of_ones_own_this_folder_goes_as_it_is() -> None:
    with luggage.packed((), (), ()) as upload:
        assert upload == luggage.Upload(".", "runtime_env.yaml", ())


def test_requirements_are_added_to_the_runtime_environment(tmp_path: Path) -> None:
    plain = yaml.safe_load((ROOT / "runtime_env.yaml").read_text())
    make(tmp_path, "shop.py")
    with luggage.packed((), ("pandas",), ("--verbose",)) as upload:
        assert (upload.working_dir, upload.options) == (".", ("--verbose",))
        merged = yaml.safe_load(Path(upload.runtime_env).read_text())
        assert merged == plain | {"pip": [*plain["pip"], "pandas"]}
    with luggage.packed((tmp_path / "shop.py",), ("pandas",), ()) as upload:
        assert "shop.py" in zipfile.ZipFile(upload.working_dir).namelist()
        merged = yaml.safe_load(Path(upload.runtime_env).read_text())
        assert merged == {"pip": [*plain["pip"], "pandas"]}  # the archive is what it is
    assert not Path(upload.working_dir).parent.exists()


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, RuntimeError])
def test_nothing_of_it_is_left_whichever_way_it_ends(kind: type[BaseException]) -> None:
    with pytest.raises(kind), luggage.packed((), ("pandas",), ()) as upload:
        raise kind
    assert not Path(upload.runtime_env).parent.exists()


# --- PIP


@pytest.mark.parametrize(
    ("text", "merged"),
    [
        ("", OURS),
        ("scikit-learn==1.9.1", [*OURS, "scikit-learn==1.9.1"]),
        ("numpy<3 'pandas >= 2'", [*OURS, "numpy<3", "pandas >= 2"]),
        ("tabulate pandas PyYAML>=6", [*OURS, "pandas"]),
        ("tabulate[widechars]", [*OURS, "tabulate[widechars]"]),
        ("git+https://host/a.git", [*OURS, "git+https://host/a.git"]),
        ("'a @ https://host/a-1.whl'", [*OURS, "a @ https://host/a-1.whl"]),
        ("'numpy<2; python_version < \"3.11\"'", [*OURS, 'numpy<2; python_version < "3.11"']),
    ],
)
def test_requirements_join_ours(text: str, merged: list[str]) -> None:
    assert merge_pip(OURS, luggage.split("PIP", text)) == merged


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tabulate==0.9.0", r"PIP=tabulate==0\.9\.0 contradicts the tabulate==0\.10\.0 that this"),
        ("PYYAML<6", r"PIP=PYYAML<6 contradicts the pyyaml==6\.0\.3"),
        ("tabulate@https://host/t-1.whl", "contradicts the tabulate"),
        ("ray==2.50.0", "PIP=ray==2.50.0: the job runs on the cluster's own Ray"),
        ("ray[default]", "the job runs on the cluster's own Ray"),
        ("scikit-learn=1.9.1", "PIP=scikit-learn=1.9.1: no requirement as pip reads it"),
        ("-r", "PIP=-r: no requirement as pip reads it"),
    ],
)
def test_a_requirement_that_cannot_be_met_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        merge_pip(OURS, luggage.split("PIP", text))


# --- SUBMIT


def test_further_options_go_to_rays_command() -> None:
    text = '--entrypoint-num-cpus 1 --metadata-json \'{"a": "b c"}\''
    words = ("--entrypoint-num-cpus", "1", "--metadata-json", '{"a": "b c"}')
    assert read_submit(text) == words
    assert read_submit("") == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("--address http://host:8265", "Write ADDRESS=http://host:8265"),
        ("--working-dir=.", "WITH="),
        ("--runtime-env mine.yaml", "PIP="),
        ("--runtime-env-json {}", "PIP="),
        ("--submission-id mine", "names the job itself"),
        ("--no-wait", "Ctrl-C"),
        ("-- python", "ARGS="),
    ],
)
def test_what_make_submit_says_itself_is_not_said_again(text: str, said: str) -> None:
    option = text.replace("=", " ").partition(" ")[0]
    with pytest.raises(UsageError, match=f"SUBMIT={option}: ") as error:
        read_submit(text)
    assert said in error.value.hint
