"""Our `threads`, without Ray."""

from functools import partial

from benchmarks import ours

run = partial(ours.run_local, "threads")
