"""Our `sharded`."""

from functools import partial

from benchmarks import ours

run = partial(ours.run, "sharded")
