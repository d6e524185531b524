"""No cluster of ours runs open, exposed or with other versions, and its files say the same."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from deploy.cluster_checks import own_versions, problems, pythons

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
FILES = {"aws": "cluster.yaml", "onprem": "deploy/onprem.yaml"}
TEXTS = {name: (ROOT / file).read_text() for name, file in FILES.items()}
CONFIGS: dict[str, dict[str, Any]] = {n: yaml.safe_load(text) for n, text in TEXTS.items()}
RAYJOB, DOCKERFILE, GUIDE = (
    (ROOT / name).read_text()
    for name in ("deploy/rayjob.yaml", "deploy/Dockerfile", "docs/clusters.md")
)
JOB: dict[str, Any] = yaml.safe_load(RAYJOB)
FLAGS = json.loads((ROOT / "tests" / "data" / "kubectl-ray-job-submit.json").read_text())
# The fields of KubeRay's RayJob, by type, from the release that the file names.
FIELDS = json.loads((ROOT / "tests" / "data" / "kuberay-1.6.2-rayjob.json").read_text())
ADDRESS = "--dashboard-host=127.0.0.1"


def mended(name: str, old: str, new: str) -> dict[str, Any]:
    """Return a cluster file's keys after a person has edited its text."""
    assert old in TEXTS[name]
    config: dict[str, Any] = yaml.safe_load(TEXTS[name].replace(old, new))
    return config


# --- cluster.yaml and deploy/onprem.yaml


@pytest.mark.parametrize("name", FILES)
def test_a_cluster_file_as_it_stands_has_no_problem(name: str) -> None:
    assert problems(CONFIGS[name], own_versions()) == []


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kind", ["head", "worker"])
@pytest.mark.parametrize(
    "said",
    [
        "", "RAY_AUTH_MODE=disabled ", "echo RAY_AUTH_MODE=token; ",
        "RAY_AUTH_MODE=token RAY_AUTH_MODE=disabled ",
    ],
)  # fmt: skip
def test_a_start_line_that_demands_no_token_is_refused(name: str, kind: str, said: str) -> None:
    config = copy.deepcopy(CONFIGS[name])
    key = f"{kind}_start_ray_commands"
    config[key][1] = config[key][1].replace("RAY_AUTH_MODE=token ", said)
    (found,) = problems(config, own_versions())
    assert key in found
    assert "RAY_AUTH_MODE=token" in found


@pytest.mark.parametrize("lines", [[], ["ray stop"], None])
def test_rays_own_open_start_lines_are_refused(lines: list[str] | None) -> None:
    config = CONFIGS["aws"] | {"worker_start_ray_commands": lines}
    assert any("worker_start_ray_commands" in found for found in problems(config, own_versions()))


@pytest.mark.parametrize("name", FILES)
def test_nodes_that_are_given_no_token_are_refused(name: str) -> None:
    (found,) = problems(CONFIGS[name] | {"file_mounts": {}}, own_versions())
    assert "~/.ray/auth_token" in found


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "host", ["=0.0.0.0", " 0.0.0.0", "=::", "=10.0.0.4", "=127.0.0.1 --dashboard-host=::"]
)
def test_a_dashboard_beyond_the_head_is_refused(name: str, host: str) -> None:
    (found,) = problems(mended(name, ADDRESS, f"--dashboard-host{host}"), own_versions())
    assert "--dashboard-host" in found


@pytest.mark.parametrize(
    ("ranges", "refused"),
    [
        ({"IpRanges": [{"CidrIp": "0.0.0.0/0"}]}, True),
        ({"Ipv6Ranges": [{"CidrIpv6": "::/0"}]}, True),
        ({"IpRanges": [{"CidrIp": "203.0.113.7/32"}, {"CidrIp": "0.0.0.0/0"}]}, True),
        ({"IpRanges": [{"CidrIp": "128.0.0.0/1"}]}, True),
        ({"IpRanges": [{"CidrIp": "203.0.113.7/32"}]}, False),
        ({"IpRanges": None}, False),
    ],
)
def test_a_security_group_open_to_the_world_is_refused(
    ranges: dict[str, Any],
    refused: bool,  # noqa: FBT001
) -> None:
    rule = {"FromPort": 8265, "ToPort": 8265, "IpProtocol": "tcp", **ranges}
    config = copy.deepcopy(CONFIGS["aws"])
    config["provider"]["security_group"] = {"IpPermissions": [rule]}
    found = problems(config, own_versions())
    assert len(found) == refused
    assert all("whole world" in each for each in found)


@pytest.mark.parametrize("name", FILES)
def test_another_ray_is_refused(name: str) -> None:
    ours = own_versions().ray
    (found,) = problems(mended(name, f"'ray[default]=={ours}'", "'ray[default]==2.9.3'"),
                        own_versions())  # fmt: skip
    assert "2.9.3" in found
    assert ours in found


@pytest.mark.parametrize("image", ["ray:nightly", "ray-ml:2.9.3", "ray:latest-gpu"])
def test_another_ray_in_an_image_is_refused(image: str) -> None:
    config = CONFIGS["aws"] | {"docker": {"image": f"rayproject/{image}"}}
    (found,) = problems(config, own_versions())
    assert "it installs Ray" in found


def test_another_ray_that_is_only_looked_for_is_refused() -> None:
    ours = own_versions().ray
    config = mended("onprem", f"ray.__version__ != '{ours}'", "ray.__version__ != '2.9.3'")
    assert len(problems(config, own_versions())) == 1


@pytest.mark.parametrize("old", ["python3.12-venv", "python3.12 -m venv"])
def test_two_pythons_in_one_file_are_refused(old: str) -> None:
    (found,) = problems(mended("aws", old, old.replace("12", "13")), own_versions())
    assert "3.12 and 3.13" in found


def test_a_python_that_is_too_old_is_refused() -> None:
    (found,) = problems(mended("aws", "python3.12", "python3.9"), own_versions())
    assert "3.9 is older than 3.10" in found


@pytest.mark.parametrize("name", FILES)
def test_every_file_installs_ray_by_version_and_what_the_job_imports(name: str) -> None:
    (line,) = [line for line in CONFIGS[name]["setup_commands"] if "pip install" in line]
    assert f"'ray[default]=={own_versions().ray}'" in line
    assert "constraints.txt" in line
    named = yaml.safe_load((ROOT / "runtime_env.yaml").read_text())["pip"]
    assert all(re.search(rf"\b{each.partition('==')[0]}\b", line) for each in named)


def test_no_actor_runs_on_a_head() -> None:
    for config in CONFIGS.values():
        assert " --num-cpus=0 " in config["head_start_ray_commands"][1]
    assert CONFIGS["aws"]["available_node_types"]["head"]["resources"] == {"CPU": 0}
    assert cluster_of(JOB)["headGroupSpec"]["rayStartParams"] == {"num-cpus": "0"}


@pytest.mark.parametrize(
    "key",
    [
        "upscaling_speed", "file_mounts", "file_mounts_sync_continuously", "rsync_exclude",
        "initialization_commands", "worker_setup_commands", "worker_start_ray_commands",
        "head_start_ray_commands",
    ],
)  # fmt: skip
def test_what_the_cluster_files_share_is_the_same_in_both(key: str) -> None:
    # The one difference: the newer autoscaler starts a worker too few of machines that one has.
    theirs = json.dumps(CONFIGS["onprem"][key]).replace("RAY_enable_autoscaler_v2=0 ", "")
    assert json.loads(theirs) == CONFIGS["aws"][key]


# --- deploy/rayjob.yaml


def cluster_of(job: dict[str, Any]) -> dict[str, Any]:
    """Return a RayJob's cluster."""
    cluster: dict[str, Any] = job["spec"]["rayClusterSpec"]
    return cluster


def containers(job: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the containers of head and workers."""
    groups = [cluster_of(job)["headGroupSpec"], *cluster_of(job)["workerGroupSpecs"]]
    return [each for group in groups for each in group["template"]["spec"]["containers"]]


def misfits(value: object, kind: str, place: str) -> Iterator[str]:
    """Yield what in a document is no field, or no value, of the type that the release has."""
    plain: dict[str, Any] = {
        "string": str, "integer": int, "boolean": bool, "number": (int, float),
        "quantity": (int, str),
    }  # fmt: skip
    if kind in plain:
        if not isinstance(value, plain[kind]) or isinstance(value, bool) != (kind == "boolean"):
            yield f"{place}: {value!r} is no {kind}"
    elif kind.endswith("[]"):
        if not isinstance(value, list):
            yield f"{place}: {value!r} is no list"
            return
        for number, each in enumerate(value):
            yield from misfits(each, kind.removesuffix("[]"), f"{place}[{number}]")
    elif kind in FIELDS["values"]:
        if value not in FIELDS["values"][kind]:
            yield f"{place}: {value!r} is none of {FIELDS['values'][kind]}"
    elif not isinstance(value, dict):
        yield f"{place}: {value!r} is no {kind}"
    else:
        yield from misfits_inside(value, kind, place)


def misfits_inside(value: dict[str, object], kind: str, place: str) -> Iterator[str]:
    """Yield the misfits of what is kept by name."""
    each_of = kind.removeprefix("map of ")
    fields = None if each_of != kind else FIELDS["types"].get(kind)
    if each_of == kind and fields is None:
        yield f"{place}: the field list does not describe {kind}"
        return
    for name, each in value.items():
        if fields is not None and name not in fields:
            yield f"{place}.{name}: {kind} has no such field"
        else:
            yield from misfits(each, fields[name] if fields else each_of, f"{place}.{name}")


def test_the_rayjob_has_fields_and_values_of_the_release_it_names() -> None:
    assert list(misfits(JOB, "RayJob", "rayjob")) == []
    assert (JOB["apiVersion"], JOB["kind"]) == ("ray.io/v1", "RayJob")
    release = re.search(r"KubeRay v(\d+\.\d+)", FIELDS["source"])
    assert release
    assert f"KubeRay {release[1]} or later" in RAYJOB


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        ("spec.shutDownAfterJobFinishes", True, "RayJobSpec has no such field"),
        ("spec.rayClusterSpec.authOption", {"mode": "token"}, "RayClusterSpec has no such field"),
        ("spec.rayClusterSpec.workerGroupSpecs.0.replica", 2, "WorkerGroupSpec has no such field"),
        ("spec.ttlSecondsAfterFinished", "600", "'600' is no integer"),
        ("spec.backoffLimit", False, "False is no integer"),
        ("spec.shutdownAfterJobFinishes", 1, "1 is no boolean"),
        ("spec.rayClusterSpec.headGroupSpec.rayStartParams.num-cpus", 0, "0 is no string"),
        ("spec.rayClusterSpec.authOptions.mode", "tokens", "is none of"),
        ("spec.rayClusterSpec.workerGroupSpecs", {}, "is no list"),
        ("spec.runtimeEnvYAML", {"pip": []}, "is no string"),
        ("spec.deletionStrategy", {}, "does not describe DeletionStrategy"),
    ],
)
def test_a_misspelt_field_or_a_value_of_another_type_is_refused(
    place: str, value: object, said: str
) -> None:
    job = copy.deepcopy(JOB)
    at: Any = job
    *way, last = place.split(".")
    for name in way:
        at = at[int(name)] if isinstance(at, list) else at[name]
    at[last] = value
    (found,) = misfits(job, "RayJob", "rayjob")
    assert said in found


def test_the_rayjob_is_closed_ends_by_itself_and_hides_no_failure() -> None:
    spec = JOB["spec"]
    assert cluster_of(JOB)["authOptions"]["mode"] == "token"
    head = cluster_of(JOB)["headGroupSpec"]
    assert (head["serviceType"], head["enableIngress"]) == ("ClusterIP", False)
    assert spec["shutdownAfterJobFinishes"] is True
    assert spec["ttlSecondsAfterFinished"] > 0
    assert spec["activeDeadlineSeconds"] > spec["ttlSecondsAfterFinished"]
    assert spec["preRunningDeadlineSeconds"] == spec["activeDeadlineSeconds"]
    assert spec["backoffLimit"] == spec["submitterConfig"]["backoffLimit"] == 0


def test_the_rayjob_waits_for_a_job_whose_token_is_known_before() -> None:
    spec = JOB["spec"]
    assert spec["submissionMode"] == "InteractiveMode"  # which the plug-in demands
    assert not {"entrypoint", "runtimeEnvYAML", "jobId"} & spec.keys()
    said = re.findall(r"create secret generic (\S+) --from-literal=auth_token=", RAYJOB + GUIDE)
    assert said == [cluster_of(JOB)["authOptions"]["secretName"]] * 2


def test_the_rayjob_runs_what_the_cluster_files_run() -> None:
    versions = own_versions()
    assert cluster_of(JOB)["rayVersion"] == versions.ray
    (image,) = {each["image"] for each in containers(JOB)}
    assert re.fullmatch(r"rayproject/ray:([\d.]+)-py\d+", image)
    assert pythons(RAYJOB) == pythons(TEXTS["aws"])
    for text in (RAYJOB, DOCKERFILE):
        assert set(re.findall(r"rayproject/ray:[\w.-]+", text)) == {image}
        assert f":{versions.ray}-" in image


def test_the_image_holds_what_the_runtime_environment_names() -> None:
    named = yaml.safe_load((ROOT / "runtime_env.yaml").read_text())["pip"]
    assert re.findall(r"[\w-]+==\S+", DOCKERFILE) == named


def test_with_an_image_the_two_lines_below_its_mode_make_it_a_job_of_kuberays_own() -> None:
    (other, entrypoint) = re.findall(r"  # (submissionMode: \w+)\n  # (entrypoint: .+)\n", RAYJOB)[
        0
    ]
    text = re.sub(r"submissionMode: InteractiveMode.*", f"{other}\n  {entrypoint}", RAYJOB)
    job = yaml.safe_load(text)
    assert list(misfits(job, "RayJob", "rayjob")) == []
    assert job["spec"]["submissionMode"] == "K8sJobMode"
    assert job["spec"]["entrypoint"].startswith("python job/main.py")
    assert re.search(r"(?m)^COPY --chown=ray job job$", DOCKERFILE)


def test_the_plug_in_has_the_flags_that_are_typed() -> None:
    text = re.sub(r"\\\n[# ]*", "", RAYJOB + GUIDE)
    typed = re.findall(r"(?m)kubectl ray job submit (.+?) -- (.+)$", text)
    assert len(typed) >= 3
    for options, entrypoint in typed:
        long = {flag.partition("=")[0] for flag in re.findall(r" --(\S+)", f" {options}")}
        short = {FLAGS["short"].get(flag) for flag in re.findall(r" -(\w)", f" {options}")}
        assert long <= set(FLAGS["flags"])
        assert short <= {"filename"}
        assert {"working-dir", "runtime-env"} <= long  # the one it demands, and what brings pip
        assert ("name" in long) != ("filename" in short)
        assert entrypoint.startswith("python job/main.py")


def test_every_head_gives_a_lost_node_up_equally_soon() -> None:
    (head, *_) = containers(JOB)
    theirs = {f"{each['name']}={each['value']}" for each in head["env"]}
    assert len(theirs) == 3
    for config in CONFIGS.values():
        assert theirs <= set(config["head_start_ray_commands"][1].split())


def test_pods_are_given_what_they_count_on() -> None:
    for each in containers(JOB):
        assert each["resources"]["requests"] == each["resources"]["limits"]
