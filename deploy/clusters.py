"""Clusters that `ray up` starts from cluster files: `make up`, `make dashboard`, `make down`.

Ray does the work. What is added is what it leaves to be known: a token must be there before, or
the head is made, paid for, and refuses everybody; a file may say less than it must, and the cluster
runs open; and the workers of provider `local` outlive `ray down`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from deploy.cluster_checks import own_versions, problems
from job.cluster.address import TOKEN_FILE, ensure_token
from job.cluster.private import COMMAND
from job.errors import ClusterError

CONNECT_S = 10
STOP_S = 60.0


def read(path: Path) -> dict[str, Any]:
    """Return a cluster file's keys.

    Raises:
        ClusterError: It cannot be read, or is something else.
    """
    try:
        config = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ClusterError(f"{path}: cannot be read ({error})") from None
    if not isinstance(config, dict) or not isinstance(config.get("provider"), dict):
        raise ClusterError(f"{path}: not a cluster file, it has no provider")
    return config


def stop_workers(config: dict[str, Any]) -> list[str]:
    """Stop Ray on the workers of provider `local`, all at once; return those that were not reached.

    To be called when the head is down: its autoscaler would start them again.
    """
    workers = config["provider"].get("worker_ips") or ()
    started = {ip: _stop_at(ip, config.get("auth") or {}) for ip in workers}
    lost = []
    for ip, process in started.items():
        try:
            code = process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        lost += [ip] if code else []
    return lost


def _stop_at(ip: str, auth: dict[str, Any]) -> subprocess.Popen[bytes]:
    key = auth.get("ssh_private_key")  # else an agent has it, as `ray up` allows
    options = {
        **({"IdentitiesOnly": "yes"} if key else {}),
        "StrictHostKeyChecking": "no",  # as `ray up` does it
        "UserKnownHostsFile": os.devnull,
        "LogLevel": "ERROR",
        "ConnectTimeout": str(CONNECT_S),
        "BatchMode": "yes",
    }
    said = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    said += ["-i", str(Path(key).expanduser())] if key else []
    login = f"{auth['ssh_user']}@{ip}" if auth.get("ssh_user") else ip
    return subprocess.Popen(  # noqa: S603 - the person's own cluster file
        # An interactive shell, since it is ~/.bashrc that knows where ray is.
        [  # noqa: S607
            "ssh",
            "-n",
            *said,
            login,
            "bash -i -c 'ray stop --force'",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _ray(*words: str) -> int:
    return subprocess.run([*COMMAND, *words], check=False).returncode  # noqa: S603


def up(path: Path, more: list[str]) -> int:
    """Start a cluster, or bring a running one up to date.

    Raises:
        ClusterError: It would run open, or with other versions, or there is no token.
    """
    if found := problems(read(path), own_versions()):
        raise ClusterError("\n  ".join([f"{path} is not started:", *found]))
    if ensure_token(TOKEN_FILE):
        what = f"Made a token in {TOKEN_FILE}; whoever holds it can run code on the cluster."
        print(what, flush=True)
    Path(TOKEN_FILE).expanduser().chmod(0o600)
    for made in Path("job").rglob("__pycache__"):  # Ray takes it for a change of what it mounts
        shutil.rmtree(made, ignore_errors=True)
    return _ray("up", str(path), *more)


def dashboard(path: Path, more: list[str]) -> int:
    """Bring the dashboard and the Jobs API of a cluster to this machine, until interrupted."""
    read(path)
    return _ray("dashboard", str(path), *more)


def down(path: Path, more: list[str]) -> int:
    """End a cluster, workers included."""
    config = read(path)
    code = _ray("down", str(path), *more)
    if code == 0 and config["provider"].get("type") == "local":
        lost = stop_workers(config)
        if lost:
            raise ClusterError(f"Ray may still run on {', '.join(lost)}: `ray stop` there ends it.")
    return code


def main() -> int:
    """Do what was typed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=("up", "dashboard", "down"))
    parser.add_argument("file", type=Path)
    given, more = parser.parse_known_args()
    try:
        return {"up": up, "dashboard": dashboard, "down": down}[given.command](given.file, more)
    except ClusterError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
