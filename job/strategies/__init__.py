"""Strategies: the ways a workload can be run."""
