"""What each key of a workload says, told once: to `--help`, to editors, and after a mistake.

Every text can follow "it says". It names the bounds; a test compares them with the model's.
"""

from __future__ import annotations

_AMOUNT = "0.0001 to 1,000,000,000,000,000"
_S = "0.001 to 10,000,000 s"
# Each is a key of a file, and an option of its name.
_WORKLOAD = {
    "target": "what is compared: module:Class or a function that makes an instance, such as "
    "'ledger:Ledger(start=instance)'; `instance` is the instance's number",
    "instances": "how many instances there are, 1 to 10,000,000",
    "calls": "what is called on every instance, in order: a list such as [book(7) * 50, close()]; "
    "`repetition` counts within * 50, from 0",
    "read": "which method or attribute tells an instance's state, also of a part of it "
    "(unwrapped.state); without it all of it counts",
    "close": "which method is called on every instance at the very end, once its state is read and "
    "no clock runs, as for files and connections; by default none",
    "agree": "when states count as equal: exact, or a relative tolerance of floats such as 1e-9; "
    "in a file also a mapping with tolerance, or with none and a reason",
    "returns": "what becomes of what calls return: drop, it stays where they run (by default), or "
    "bring: all of it comes to the driver, as ray.get of every call has it, and is compared",
}
_LAYOUT = {
    "shards": "how many actors `sharded` has, 1 to 10,000,000, or auto: as many as "
    "are expected to be quickest, at most one per free CPU",
    "calls_per_batch": "how many calls one remote call of `sharded` carries, 1 to 1,000,000,000, "
    "or auto: about a second's",
    "threads_per_shard": "how many instances of a shard are called at once, 1 to 1,000, or auto: "
    "by how much the calls wait",
    "workers": "how many threads `threads` has, and how many processes `processes`, 1 to 1,000, or "
    "auto: a thread for each instance where calls wait, else one for each core; a process for each",
    "cpus_per_actor": "the num_cpus of each actor, 0.0001 to 100,000, or auto: all share the CPUs",
    "actor_options": "what each actor asks for, in Ray's words: num_gpus=0.25, memory=2e9, "
    "resources={'slot': 1}, label_selector={'zone': 'a'}, num_cpus (in place of cpus_per_actor)",
    "serial_on": "where the serial loop runs: driver (by default), or actor, in one that asks for "
    "what the others do and whose startup counts",
}
_MEASURING = {
    "strategies": "which strategies take turns, in this order: serial, threads, processes, actors, "
    "sharded (by default all that may be the quickest)",
    "trials": "how many trials each strategy has, 1 to 1,000 (1 by default), or auto: as many as "
    "fit into the budget",
    "warmups": "how many trials before those do not count, 0 to 1,000 (0 by default)",
    "serial": "how much of the serial loop is run: full, sample (some instances, then estimated) "
    "or auto: by what all would take",
    "budget_s": f"how long the serial loop may take before it is sampled, and trials auto: {_S} "
    "(60 by default)",
    "timeout_s": f"how long a trial's work may take, and its read: {_S}, or auto: far longer than "
    "what the first calls took lets expect, an hour where that tells nothing (auto by default)",
    "snapshot_every": "after how many calls on each a shard's instances are kept, so that a loss "
    "repeats no more: 0 to 1,000,000,000 (0 by default: never)",
    "chaos": "what is killed while actors work: kill=2 (actors), node=1 (nodes); seed=7, "
    "interval=0.5 (seconds between kills on average)",
}
_CLUSTER = {
    "wait_for_cpus": "how many CPUs the cluster must have before anything is laid out, as after "
    "`ray up`: 0 to 1,000,000 (0 by default)",
    "scale_timeout_s": f"how long to wait for nodes that are to come: {_S} (600 by default)",
    "startup_timeout_s": f"how long actors may take until all are ready: {_S} (300 by default)",
}
SECTIONS = {  # of `--help`
    "Workload": _WORKLOAD,
    "Layout": _LAYOUT,
    "Measuring": _MEASURING,
    "Cluster": _CLUSTER,
}
OPTIONS = {key: said for keys in SECTIONS.values() for key, said in keys.items()}
KEYS = OPTIONS | {
    # What the mappings in a file hold.
    "call": "what is called on every instance, such as 'book(7) * 50'",
    "module": "which module is imported: a Python name",
    "name": "which class of it, or which function that makes an instance: a Python name",
    "method": "which method is called: a Python name, or a part's: motor.step",
    "args": "with which arguments by position: a list",
    "kwargs": "with which arguments by name: a mapping of Python names to values",
    "times": "how many times in a row each instance gets the call, 1 to 1,000,000,000",
    "tolerance": "what floats may differ by, whichever allows more: relative, absolute or both",
    "none": "why states are not compared",
    "num_cpus": "how many CPUs: 0, or 0.0001 to 100,000",
    "num_gpus": f"how many GPUs, or which share of one: 0, or {_AMOUNT}",
    "memory": f"how many bytes of its node's memory are set aside: 0, or {_AMOUNT}",
    "resources": "how much of what the cluster's owner has declared: a mapping of names to "
    f"numbers, {_AMOUNT}",
    "label_selector": "which labels its node must have: a mapping of names to a value, to !value, "
    "in(a, b) or !in(a, b)",
    "relative": "what floats may differ by, as a share of the larger one, 0 to 1",
    "absolute": "what floats may differ by, whatever their size, 0 to 1e+300",
}


def flag(key: str) -> str:
    """Return the option that gives a key."""
    return "--" + {"calls": "call"}.get(key, key.removesuffix("_s")).replace("_", "-")
