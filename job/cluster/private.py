"""All that Ray keeps private and we use, so that a new version of Ray is met in one file.

All of it was seen in 2.48.0, 2.54.0 and 2.60.0 (tests/rays looks for every name in each Ray that it
is run with); where versions differ, a function says so. Each says as well what is done without: a
name that is gone gives the answer named here, not an ImportError in the middle of a comparison.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import sys
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from job.workload.importing import JOB_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from job.planning.placement import Demand

UV_RUN = "RAY_ENABLE_UV_RUN_RUNTIME_ENV"
P = ParamSpec("P")
T = TypeVar("T")

# What `ray` runs; the script itself would not bear a space in its path.
COMMAND = (sys.executable, "-m", "ray.scripts.scripts")


def without(default: Any) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Answer `default` where this Ray has no such name."""

    def wrap(function: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            try:
                return function(*args, **kwargs)
            except (ImportError, AttributeError):
                found: T = default
                return found

        return call

    return wrap


@without(())
def gcs_addresses() -> tuple[str, ...]:
    """Return the addresses of the clusters that run on this machine.

    Without it none is found: an address has to be named.
    """
    from ray._private import services

    return tuple(sorted(services.find_gcs_addresses()))


@without(None)
def reload_settings() -> None:
    """Let Ray read its RAY_ variables again, which it did when it was imported.

    Without it RAY_AUTH_MODE has to be set before Ray is imported.
    """
    from ray._raylet import Config  # type: ignore[attr-defined]

    Config.initialize("")


@contextlib.contextmanager
def plain_workers() -> Iterator[None]:
    """Have workers started by this Python alone, also where it runs below `uv run`.

    Else Ray starts each of them through `uv run`: 4 actors took 8.0 s instead of about 1. The
    user's own RAY_ENABLE_UV_RUN_RUNTIME_ENV is kept. Ray reads that when it is imported, which a
    notebook has done long ago; so what it has read is changed, and only meanwhile.

    Without it they start through `uv run`, and the report says so.
    """
    constants = _ray_constants()
    usual = getattr(constants, UV_RUN, None)
    if usual is None or UV_RUN in os.environ:
        yield
        return
    setattr(constants, UV_RUN, False)
    try:
        yield
    finally:
        setattr(constants, UV_RUN, usual)


@without(None)
def _ray_constants() -> Any:
    from ray._private import ray_constants

    return ray_constants


@without("")
def ask_cluster_id(address: str, token: str, timeout_s: float) -> str:
    """Return the gRPC status of the question for a cluster's id, the first one that Ray asks.

    Without it nothing is known, and `ray.init` finds out in its own time.
    """
    import grpc
    from ray.core.generated import gcs_service_pb2, gcs_service_pb2_grpc

    metadata = [("authorization", f"Bearer {token}")] if token else []
    with grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        stub = gcs_service_pb2_grpc.NodeInfoGcsServiceStub(channel)
        try:
            request = gcs_service_pb2.GetClusterIdRequest()  # type: ignore[attr-defined]
            stub.GetClusterId(request, metadata=metadata, timeout=timeout_s)
        except grpc.RpcError as error:
            return str(error.code().name)
    return "OK"


@without(None)
def ask_versions(address: str, token: str, timeout_s: float) -> tuple[str, str] | None:
    """Return the Ray and the Python that a cluster was started with, as its head has noted them.

    Without it nothing is known: `ray.init` compares them too, once it is let in.
    """
    import grpc
    from ray.core.generated import gcs_service_pb2, gcs_service_pb2_grpc

    metadata = [("authorization", f"Bearer {token}")] if token else []
    with grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        stub = gcs_service_pb2_grpc.InternalKVGcsServiceStub(channel)
        request = gcs_service_pb2.InternalKVGetRequest(  # type: ignore[attr-defined]
            namespace=b"cluster", key=b"CLUSTER_METADATA"
        )
        try:
            reply = stub.InternalKVGet(request, metadata=metadata, timeout=timeout_s)
            noted = json.loads(reply.value or "{}")
            return str(noted["ray_version"]), str(noted["python_version"])
        except (grpc.RpcError, ValueError, LookupError):
            return None


def free_resources() -> dict[str, dict[str, float]]:
    """Return what is free of each node's resources, by the node's id.

    Without it everything is taken for free.
    """
    import ray

    try:
        from ray._private import state

        available: dict[str, dict[str, float]] = state.available_resources_per_node()
    except (ImportError, AttributeError):
        available = {node["NodeID"]: node["Resources"] for node in ray.nodes() if node["Alive"]}
    return available


@without(0.0)
def driver_cpus() -> float:
    """Return how many CPUs a submitted job's driver holds: `ray job submit --entrypoint-num-cpus`.

    Without it none are known of, and more actors may be asked for than there is room for.
    """
    from ray.experimental.internal_kv import _internal_kv_get

    metadata = json.loads(os.environ.get(JOB_VARIABLE, "{}")).get("metadata") or {}
    if "job_submission_id" not in metadata:
        return 0.0
    key = f"_ray_internal_job_info_{metadata['job_submission_id']}"
    found = json.loads(_internal_kv_get(key, namespace=b"job") or "{}")
    return float(found.get("entrypoint_num_cpus") or 0.0)


@without(frozenset())
def draining_nodes() -> frozenset[str]:
    """Return the ids of the nodes that are about to leave, where Ray starts nothing any more.

    Without it none is known before it has left.
    """
    from ray._private.state import state

    return frozenset(state.get_draining_nodes())


@without(None)
def request_resources(address: str, demands: Sequence[Demand], timeout_s: int) -> None:
    """Ask the cluster's autoscaler, of either version, for nodes that have room for these.

    Each must lie on one node. It replaces what was asked for before; nothing withdraws it.
    `ray.autoscaler.sdk.request_resources` does the same, but goes by the driver's own settings
    where the cluster runs the other version, and needs a connection.

    Without it nothing is asked for: who waits, waits for others to add nodes.

    Raises:
        RpcError: The head did not answer each of two questions in time.
    """
    from ray._private.ray_constants import AUTOSCALER_RESOURCE_REQUEST_CHANNEL as CHANNEL
    from ray._raylet import GcsClient  # type: ignore[attr-defined]
    from ray.autoscaler.v2.sdk import request_cluster_resources

    bundles = [{**each.others, **({"CPU": each.cpus} if each.cpus else {})} for each in demands]
    client = GcsClient(address=address)
    if _runs_v2(client, timeout_s):
        wanted = [
            {"resources": bundle, "label_selector": dict(each.labels)}
            for bundle, each in zip(bundles, demands, strict=True)
        ]
        try:
            request_cluster_resources(address, wanted, timeout=timeout_s)
        except TypeError:  # of 2.48, which has no selectors and takes bundles as they are
            request_cluster_resources(address, bundles, timeout=timeout_s)
    else:
        client.internal_kv_put(CHANNEL, json.dumps(bundles).encode(), True, None, timeout_s)  # noqa: FBT003 - overwrite, by position


@without(default=False)
def _runs_v2(client: Any, timeout_s: int) -> bool:
    """Return whether the cluster's autoscaler is of version 2.

    Without it, as in 2.40, it is taken for version 1.

    Raises:
        RpcError: The head did not answer in time.
    """
    from ray._raylet import GCS_AUTOSCALER_STATE_NAMESPACE as SPACE  # type: ignore[attr-defined]
    from ray._raylet import GCS_AUTOSCALER_V2_ENABLED_KEY as KEY  # type: ignore[attr-defined]

    answer: bytes | None = client.internal_kv_get(KEY.encode(), SPACE.encode(), timeout_s)
    return answer == b"1"


@without(None)
def autoscaler_status(timeout_s: int) -> Any:
    """Return what the cluster knows of its nodes' types and its autoscaler (of version 2).

    Without it nothing is known of it, and the cluster is taken for fixed.

    Raises:
        RpcError: The head did not answer in time.
    """
    from ray.core.generated import autoscaler_pb2
    from ray.experimental.internal_kv import internal_kv_get_gcs_client

    reply = autoscaler_pb2.GetClusterStatusReply()  # type: ignore[attr-defined]
    reply.ParseFromString(internal_kv_get_gcs_client().get_cluster_status(timeout_s=timeout_s))
    return reply
