"""Connect to a Ray, say what it consists of, and leave nothing of ours behind."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from job.cluster import private
from job.cluster.address import find_the_running_one, is_open, knock
from job.cluster.guard import Request
from job.cluster.reasons import mismatch
from job.cluster.travel import carry_ourselves, digest_of, find_way, own_paths
from job.cluster.versions import check_tested, own_versions, unlike
from job.errors import ClusterError
from job.planning.placement import Capacity
from job.results.document import BY_VALUE, Cluster, Node
from job.shard.metering import own_cores
from job.words import first_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    from job.cluster.travel import Source
    from job.results.document import Kind, Travel
    from job.shard.shard import Place
    from job.signals import Leaving

LEAVE_S = 5.0  # how long Ray's processes may take to end in order
BUSY_S = 0.25
CONNECTED_GRACE_S = 1.5  # of the 2 s in which a signal ends us
KINDS: dict[str, Kind] = {"job": "job", "local": "embedded"}
ASK_S = 60.0  # how long nodes may take to say what they have of the target
UNSEEN = {"config", "excludes"}  # of a runtime environment: they bring nothing to a node
HEAD = "node:__internal_head__"  # the resource by which Ray marks it


@dataclass(frozen=True)
class Site:
    """Where a comparison runs."""

    cluster: Cluster  # as it was found, or as it is since nodes were waited for
    request: Request  # asks its autoscaler; withdrawn when the session ends
    note: Callable[[str], None]  # told what a user should know meanwhile
    travel: Travel = "by reference"  # how the target travels there
    cores: Mapping[str, int] = field(default_factory=dict)  # of machines that told, by address
    busy_share: float = 0.0  # of this machine's CPUs, before anything of ours was started
    digest: str = ""  # of the target's source, which every node has to have


@contextlib.contextmanager
def session(
    address: str, leaving: Leaving, note: Callable[[str], None], source: Source | None = None
) -> Iterator[Site]:
    """Connect, and leave nothing behind: no process of ours, and nothing asked of an autoscaler.

    Args:
        address: Where to, as `choose` returns it.
        leaving: The signals that end us; Ray's own handlers give way to it.
        note: Told what a user should know besides.
        source: The target's, which nodes that do not have it are sent; None where it is known
            that only its value can travel, or where nothing is to.

    Raises:
        ClusterError: There is no connection to be had; the reason is in it.
    """
    import ray

    ours = address not in KINDS and not ray.is_initialized()
    busy = _busy_share()
    with connect(address, leaving, note) as cluster, Request(cluster.address) as request:
        travel: Travel = "by reference"
        cores: dict[str, int] = {}
        if source and cluster.kind != "embedded":
            digests, cores = _ask_nodes(cluster, source)
            travel = find_way(source, digests)
        if ours and source and travel == BY_VALUE:  # better: let Ray bring it to every node
            ray.shutdown()
            _init(cluster.address, leaving, source.file)
            travel = "as py_modules"
        digest = source.digest if source and travel == "by reference" else ""
        found = cluster.model_copy(update={"nodes": find_nodes(cores)}) if cores else cluster
        yield Site(found, request, note, travel, cores, busy, digest)


def _ask_nodes(cluster: Cluster, source: Source) -> tuple[list[str], dict[str, int]]:
    """Return what each node that hosts actors, and answers, has for the target's source.

    And how many cores it has, by its address.
    """
    import ray

    asked = ask_hosts(cluster, _tell, source.module, source.paths, alone=source.may_lack_here)
    if not asked:
        return [], {}
    answered, _ = ray.wait(list(asked), num_returns=len(asked), timeout=ASK_S)
    digests, cores = [], {}
    for ref in answered:
        digest, told = "", 0
        with contextlib.suppress(ray.exceptions.RayError):  # it could not find one out
            digest, told = ray.get(ref)
        digests.append(digest)
        if told:
            cores[asked[ref].address] = told
    return digests, cores


def _tell(module: str, paths: tuple[str, ...]) -> tuple[str, int]:
    """Return what a node has for a module's source, and how many cores."""
    return digest_of(module, paths), own_cores()


def ask_hosts(
    cluster: Cluster, task: Callable[..., Any], *args: Any, alone: bool = False
) -> dict[Any, Node]:
    """Send a task that takes no CPU to each node that hosts actors, and return which is whose.

    The driver's own is not asked where it is the only one, unless `alone` says so.
    """
    import ray

    hosts = [node for node in cluster.nodes if node.cpus]
    if not alone and {node.address for node in hosts} <= {driver_address()}:
        return {}
    remote: Any = ray.remote(task)
    return {
        remote.options(
            num_cpus=0, max_retries=0, scheduling_strategy=on_node(node.node_id)
        ).remote(*args): node
        for node in hosts
    }  # fmt: skip


@contextlib.contextmanager
def connect(address: str, leaving: Leaving, note: Callable[[str], None]) -> Iterator[Cluster]:
    """Connect, and on the way out disconnect or end what was started; see `session`.

    Raises:
        ClusterError: There is no connection to be had; the reason is in it.
    """
    import ray

    if newer := check_tested(ray.__version__):  # before anything that only tested ones have
        note(newer)
    if ray.is_initialized():  # in a notebook or a test, whose connection it is
        carry_ourselves()
        yield describe("connected")
        return
    kind: Kind = KINDS.get(address, "connected")
    if address == "auto":
        address = find_the_running_one()
    if kind == "connected":
        knock(address)
    if kind == "embedded" and (running := private.gcs_addresses()):
        how = "auto" if len(running) == 1 else "HOST:PORT"
        note(f"Ray runs here at {', '.join(running)}; --address {how} would use it.")
    started = _watch_children() if kind == "embedded" else list
    leaving.abandon = lambda: _end(started())
    hurried = False
    try:
        _init(address, leaving)
        cluster = describe(kind)
        if "uv run" in runtime_kinds():  # where a node lacks it, Ray waits without a word
            note(f"Actors start by `uv run`, so each node must have uv, or set {private.UV_RUN}=0.")
        door = None if kind == "embedded" else is_open(cluster.address)
        yield cluster.model_copy(update={"open": door})
    except KeyboardInterrupt:
        # ray.shutdown takes longer than a signal allows. The process ends with this, and a cluster
        # that is not ours ends our actors when it sees that.
        hurried = leaving.active
        raise
    finally:
        members = started()
        if not hurried:
            ray.shutdown()
        _end(members, 0.0 if hurried else LEAVE_S)


def _watch_children() -> Callable[[], list[Any]]:
    """Return what lists the processes that were started since, and theirs: an embedded Ray's."""
    import psutil  # comes with ray, from its own folder

    others = {child.pid for child in psutil.Process().children()}

    def started() -> list[Any]:
        found: list[Any] = []
        for child in psutil.Process().children():
            if child.pid not in others:
                found.append(child)
                with contextlib.suppress(psutil.Error):
                    found += child.children(recursive=True)
        return found

    return started


def _end(members: list[Any], grace_s: float = 0.0) -> None:
    """Wait until they are gone; kill those that are not when the grace is over."""
    import psutil

    _, alive = psutil.wait_procs(members, timeout=grace_s)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=1.0)


def _init(address: str, leaving: Leaving, module: str = "") -> None:
    import ray

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Silences a warning about a change that concerns GPUs only.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        if address == "job":
            ray.init(**quiet)
        elif address != "local":
            more: dict[str, Any] = {"runtime_env": {"py_modules": [module]}} if module else {}
            ray.init(address=address, **quiet, **more)
        else:
            # Its workers inherit this: what the driver can import, they can.
            os.environ["PYTHONPATH"] = os.pathsep.join(own_paths())
            with private.plain_workers():
                ray.init(address="local", include_dashboard=False, **quiet)
    except SystemExit:  # how Ray's own handler reports SIGTERM
        leaving.signum = leaving.signum or signal.SIGTERM
        raise KeyboardInterrupt from None
    except Exception as error:  # of a node that was too slow Ray says so with a bare one
        if theirs := mismatch(error):
            raise unlike(address, theirs, own_versions()) from None
        where = {"local": "an embedded Ray", "job": "the job's cluster"}.get(address, address)
        message = f"{where}: Ray does not start here ({first_words(error)})"
        raise ClusterError(message, "Ray's own words stand above.") from None
    finally:
        leaving.rearm()
    leaving.grace_s = CONNECTED_GRACE_S
    carry_ourselves()


def describe(kind: Kind) -> Cluster:
    """Return the cluster as it is now."""
    import ray

    address = ray.get_runtime_context().gcs_address
    return Cluster(kind=kind, address=address, ray_version=ray.__version__, nodes=find_nodes())


def runtime_kinds() -> tuple[str, ...]:
    """Return what the runtime environment consists of that the driver's actors start in."""
    import ray

    return kinds_of(ray.get_runtime_context().runtime_env)


def kinds_of(environment: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what is named of a runtime environment: `pip`, `working_dir`, `uv run` and so on."""
    kinds = {key for key, value in environment.items() if value and key[0] != "_"} - UNSEEN
    program, *words = [*str(environment.get("py_executable", "")).split(), ""]
    if PurePath(program).name == "uv" and words[0] == "run":
        kinds = kinds - {"py_executable"} | {"uv run"}
    return tuple(sorted(kinds))


def find_nodes(cores: Mapping[str, int] | None = None) -> tuple[Node, ...]:
    """Return the nodes there are now, the head first, without the CPUs that this driver holds.

    Args:
        cores: How many cores a machine has, by its address, as far as it is known besides for this
            one. Nodes of one machine share them.
    """
    import ray

    free, known = private.free_resources(), {**(cores or {}), driver_address(): own_cores()}
    held = {ray.get_runtime_context().get_node_id(): private.driver_cpus()}
    alive = [node for node in ray.nodes() if node["Alive"]]
    found = sorted(alive, key=lambda node: (HEAD not in node["Resources"], _name(node)))
    sharing = Counter(n["NodeManagerAddress"] for n in alive if n["Resources"].get("CPU"))
    return tuple(
        Node(
            node_id=node["NodeID"],
            address=node["NodeManagerAddress"],
            host=_name(node),
            cpus=node["Resources"].get("CPU", 0.0) - held.get(node["NodeID"], 0.0),
            cpus_free=free.get(node["NodeID"], {}).get("CPU", 0.0),
            cores=_share(known, sharing, node["NodeManagerAddress"]),
            memory_bytes=node["Resources"].get("memory", 0.0),
            resources={k: v for k, v in node["Resources"].items() if not k.startswith("node:")},
            resources_free=_steady(free.get(node["NodeID"], {})),
            labels=node.get("Labels") or {},
            head=HEAD in node["Resources"],
        )
        for node in found
    )


def _steady(resources: Mapping[str, float]) -> dict[str, float]:
    """Return resources but for objects' memory, which comes and goes by itself."""
    return {name: each for name, each in resources.items() if name != "object_store_memory"}


def _share(cores: Mapping[str, int], sharing: Mapping[str, int], address: str) -> float | None:
    return cores[address] / max(1, sharing[address]) if address in cores else None


def _name(node: dict[str, Any]) -> str:
    given: str = node["NodeName"]  # by `ray start --node-name`; otherwise the address
    return given if given != node["NodeManagerAddress"] else str(node["NodeManagerHostname"])


def capacities(cluster: Cluster) -> list[Capacity]:
    """Return what the nodes have for actors now."""
    free = private.free_resources()
    return [
        Capacity(
            name=node.name,
            cpus=node.cpus,
            cpus_free=free.get(node.node_id, {}).get("CPU", 0.0),
            memory_bytes=node.memory_bytes,
            cores=node.cores,
            others={key: value for key, value in node.resources.items() if key != "CPU"},
            others_free=free.get(node.node_id, {}),
            labels=node.labels,
        )
        for node in cluster.nodes
    ]


def on_node(node_id: str) -> NodeAffinitySchedulingStrategy:
    """Return how what runs on one node, and on no other, is scheduled."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(node_id, soft=False)


def wait_until_gone(places: Sequence[Place], cluster: Cluster, timeout_s: float) -> bool:
    """Wait until actors that were ended hold nothing any more; return whether that came in time.

    Processes can be watched on this machine only; on every node what comes free tells.
    """
    import psutil

    here = driver_address()
    until = time.monotonic() + timeout_s
    pids = [place.pid for place in places if place.address == here]
    while time.monotonic() < until and any(psutil.pid_exists(pid) for pid in pids):
        time.sleep(0.02)
    nodes = {place.node_id for place in places}
    before = {n.node_id: n.resources_free for n in cluster.nodes if n.node_id in nodes}
    while time.monotonic() < until:
        free = private.free_resources()
        # Of a node that is there, Ray leaves out of what nothing is free.
        if all(
            free[node].get(name, 0.0) >= number
            for node, held in before.items()
            if node in free
            for name, number in held.items()
        ):
            return True
        time.sleep(0.05)
    return False


def _busy_share() -> float:
    """Return which share of this machine's CPUs is busy now, over a quarter of a second."""
    import psutil

    return float(psutil.cpu_percent(interval=BUSY_S)) / 100


def driver_address() -> str:
    """Return the address of the node that the driver runs on."""
    import ray

    return str(ray.util.get_node_ip_address())
