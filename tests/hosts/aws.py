"""AWS's API on this machine: moto hands out the addresses of the lab's hosts as its instances'."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.hosts.lab import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.hosts.lab import Lab

SERVER = Path(__file__).with_name("moto_server.py")
PORT = 5000
REGION = "us-west-2"  # as cluster.yaml has it
BASHRC = {
    "AWS_ENDPOINT_URL": f"http://{{network}}.1:{PORT}",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": REGION,
}
# What the tests may replace in cluster.yaml: image, addresses, key, setup commands, resources, and
# the sizes in the start lines.
MAY_CHANGE = {
    "auth.ssh_user",
    "auth.ssh_private_key",
    "provider.use_internal_ips",
    "setup_commands",
    "head_setup_commands",
    "head_start_ray_commands.1",
    "worker_start_ray_commands.1",
    *(f"available_node_types.{kind}.node_config.{key}"
      for kind in ("head", "worker") for key in ("ImageId", "SubnetIds", "KeyName")),
    "available_node_types.worker.resources",
}  # fmt: skip
SIZES = "--object-store-memory=300000000"
WORKER_CPUS = 2
SCARCE = {"GPU": 1, "slot": 2}  # which Ray takes from the type of a node, and no start line names


@dataclass(frozen=True)
class Aws:
    """The API, and what of it a cluster file must name."""

    ec2: Any
    variables: dict[str, str]
    image: str
    subnet: str
    key: str

    def running(self) -> list[str]:
        """Return the addresses of the instances that run, and are paid for."""
        return [each.private_ip_address for each in self._instances()]

    def groups(self) -> list[Any]:
        """Return the security groups of those instances."""
        held = {group["GroupId"] for each in self._instances() for group in each.security_groups}
        return [self.ec2.SecurityGroup(each) for each in held]

    def _instances(self) -> list[Any]:
        kept = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
        return list(self.ec2.instances.filter(Filters=kept))

    def overlay(self, config: dict[str, Any]) -> dict[str, Any]:
        """Return what is replaced in cluster.yaml, by dotted keys."""
        changes: dict[str, Any] = {
            "auth.ssh_user": "root",
            "auth.ssh_private_key": self.key,
            "provider.use_internal_ips": True,
            "setup_commands": [],
            "head_setup_commands": [],
            "available_node_types.worker.resources": {"CPU": WORKER_CPUS, **SCARCE},
        }
        for kind in ("head", "worker"):
            place = f"available_node_types.{kind}.node_config"
            changes[f"{place}.ImageId"] = self.image
            changes[f"{place}.SubnetIds"] = [self.subnet]
            changes[f"{place}.KeyName"] = "lab"
            start = config[f"{kind}_start_ray_commands"][1]
            sizes = f"{SIZES} --num-cpus={WORKER_CPUS}" if kind == "worker" else SIZES
            changes[f"{kind}_start_ray_commands.1"] = f"{start} {sizes}"
        return changes


def without_sizes(line: str) -> str:
    """Return a start line without CPU and object-store sizes and needless spaces."""
    return " ".join(re.sub(r"--(num-cpus|object-store-memory)=\S+", "", line).split())


@contextlib.contextmanager
def moto(lab: Lab) -> Iterator[Aws]:
    """Serve AWS's API at the lab's bridge, with a subnet whose addresses are the hosts'."""
    import boto3

    address = f"{lab.network}.1"
    with (lab.folder / "moto.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, SERVER, "-H", address, "-p", str(PORT)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            env=os.environ | {"MOTO_IAM_LOAD_MANAGED_POLICIES": "true"},
        )  # fmt: skip
    try:
        until(lambda: "Running on" in (lab.folder / "moto.log").read_text(), "moto")
        variables = {name: value.format(network=lab.network) for name, value in BASHRC.items()}
        session = boto3.Session("testing", "testing", region_name=REGION)
        ec2 = session.resource("ec2", endpoint_url=variables["AWS_ENDPOINT_URL"])
        block = f"{lab.network}.0/24"
        vpc = ec2.create_vpc(CidrBlock=block)
        zone = f"{REGION}a"
        subnet = ec2.create_subnet(VpcId=vpc.id, CidrBlock=block, AvailabilityZone=zone)
        ec2.import_key_pair(
            KeyName="lab", PublicKeyMaterial=lab.key.with_suffix(".pub").read_bytes()
        )
        image = next(iter(ec2.images.all())).id
        yield Aws(ec2, variables, image, subnet.id, str(lab.key))
    finally:
        process.terminate()
        process.wait(20)
