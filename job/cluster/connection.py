"""Connect to a Ray, say what it consists of, and leave nothing of ours behind."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from job.cluster import private
from job.cluster.address import find_the_running_one, is_open, knock
from job.cluster.guard import Request
from job.cluster.travel import carry_ourselves, first_words, own_paths, package_of
from job.errors import ClusterError
from job.planning.placement import Capacity
from job.results.document import Cluster, Node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    from job.results.document import Kind
    from job.shard.shard import Place
    from job.signals import Leaving

LEAVE_S = 5.0  # how long Ray's processes may take to end in order
BUSY_S = 0.25
CONNECTED_GRACE_S = 1.5  # of the 2 s in which a signal ends us
KINDS: dict[str, Kind] = {"job": "job", "local": "embedded"}
HEAD = "node:__internal_head__"  # the resource by which Ray marks it


@dataclass(frozen=True)
class Site:
    """Where a comparison runs."""

    cluster: Cluster  # as it was found, or as it is since nodes were waited for
    request: Request  # asks its autoscaler; withdrawn when the session ends
    note: Callable[[str], None]  # told what a user should know meanwhile


@contextlib.contextmanager
def session(
    address: str, leaving: Leaving, note: Callable[[str], None], module: str = ""
) -> Iterator[Site]:
    """Connect, and leave nothing behind: no process of ours, and nothing asked of an autoscaler.

    Workers elsewhere are sent the package of `module`, the target's, unless it is installed.

    Raises:
        ClusterError: There is no connection to be had; the reason is in it.
    """
    with connect(address, leaving, note, module) as cluster, Request(cluster.address) as request:
        yield Site(cluster, request, note)


@contextlib.contextmanager
def connect(
    address: str, leaving: Leaving, note: Callable[[str], None], module: str = ""
) -> Iterator[Cluster]:
    """Connect, and on the way out disconnect or end what was started; see `session`.

    Raises:
        ClusterError: There is no connection to be had; the reason is in it.
    """
    import ray

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
        _init(address, leaving, package_of(module) if module else None)
        cluster = describe(kind)
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


def _init(address: str, leaving: Leaving, package: str | None) -> None:
    import ray

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Silences a warning about a change that concerns GPUs only.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        if address == "job":
            ray.init(**quiet)
        elif address != "local":
            modules: dict[str, Any] = {"runtime_env": {"py_modules": [package]}} if package else {}
            ray.init(address=address, **quiet, **modules)
        else:
            # Its workers inherit this: what the driver can import, they can.
            os.environ["PYTHONPATH"] = os.pathsep.join(own_paths())
            ray.init(address="local", include_dashboard=False, **quiet)
    except SystemExit:  # how Ray's own handler reports SIGTERM
        leaving.signum = leaving.signum or signal.SIGTERM
        raise KeyboardInterrupt from None
    except Exception as error:  # of a node that was too slow Ray says so with a bare one
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


def find_nodes() -> tuple[Node, ...]:
    """Return the nodes that are there now, the head first."""
    import ray

    free = private.free_cpus()
    found = sorted(ray.nodes(), key=lambda node: (HEAD not in node["Resources"], _name(node)))
    return tuple(
        Node(
            node_id=node["NodeID"],
            address=node["NodeManagerAddress"],
            host=_name(node),
            cpus=node["Resources"].get("CPU", 0.0),
            cpus_free=free.get(node["NodeID"], 0.0),
            memory_bytes=node["Resources"].get("memory", 0.0),
            resources={k: v for k, v in node["Resources"].items() if not k.startswith("node:")},
            head=HEAD in node["Resources"],
        )
        for node in found
        if node["Alive"]
    )


def _name(node: dict[str, Any]) -> str:
    given: str = node["NodeName"]  # by `ray start --node-name`; otherwise the address
    return given if given != node["NodeManagerAddress"] else str(node["NodeManagerHostname"])


def capacities(cluster: Cluster) -> list[Capacity]:
    """Return what the nodes have for actors now."""
    free = private.free_cpus()
    return [
        Capacity(
            name=node.name,
            cpus=node.cpus,
            cpus_free=free.get(node.node_id, 0.0),
            memory_bytes=node.memory_bytes,
            gpus=node.resources.get("GPU", 0.0),
        )
        for node in cluster.nodes
    ]


def on_node(node_id: str) -> NodeAffinitySchedulingStrategy:
    """Return how what runs on one node, and on no other, is scheduled."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(node_id, soft=False)


def wait_until_gone(places: Sequence[Place], cluster: Cluster, timeout_s: float) -> bool:
    """Wait until actors that were ended hold nothing any more; return whether that came in time.

    Processes can be watched on this machine only; on every node the CPUs that come free tell.
    """
    import psutil

    here = driver_address()
    until = time.monotonic() + timeout_s
    pids = [place.pid for place in places if place.address == here]
    while time.monotonic() < until and any(psutil.pid_exists(pid) for pid in pids):
        time.sleep(0.02)
    nodes = {place.node_id for place in places}
    before = {node.node_id: node.cpus_free for node in cluster.nodes if node.node_id in nodes}
    while time.monotonic() < until:
        free = private.free_cpus()
        if all(free.get(node, cpus) >= cpus for node, cpus in before.items()):
            return True
        time.sleep(0.05)
    return False


def busy_share() -> float:
    """Return which share of this machine's CPUs is busy now, over a quarter of a second."""
    import psutil

    return float(psutil.cpu_percent(interval=BUSY_S)) / 100


def driver_address() -> str:
    """Return the address of the node that the driver runs on."""
    import ray

    return str(ray.util.get_node_ip_address())
