"""What `python job/main.py` runs: `ray job submit -- python job/main.py` on a cluster."""

import sys
from pathlib import Path

if not __package__:
    # Python put this folder on the import path; the package is found from the one above. Left in
    # place, this folder would let a module of ours hide one of the standard library. A target of
    # one's own lies where one stands, and comes before the folders that lie beside this package.
    import importlib

    root = str(Path(__file__).resolve().parent.parent)
    sys.path[:1] = [root]
    importlib.import_module("job")
    sys.path[:1] = [str(Path.cwd())]
    sys.path.append(root)


def run_installed() -> None:
    """Run the command of an installed package, `ray-actor-comparison`.

    Python put the folder of installed commands on the import path. A target of one's own lies where
    one stands.
    """
    sys.path[:1] = [str(Path.cwd())]
    main()


def main() -> None:
    """Run the command; where a package it needs is missing, say which and how to get it."""
    try:
        from job.cli import run

        run()
    except ModuleNotFoundError as missing:
        sys.stderr.write(
            f"Error: the Python package {missing.name!r} is not installed where this runs.\n"
            "In a job, submit its dependencies along: ray job submit --working-dir . "
            "--runtime-env runtime_env.yaml -- python job/main.py\n"
            "On this machine, `make local` or `pip install .` installs them.\n"
        )
        sys.exit(3)


if __name__ == "__main__":
    main()
