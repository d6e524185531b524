"""The Ray that every contender on Ray finds before its clock starts."""

import logging
import time

import ray

_SETTLE_S = 1.0


def start() -> None:
    """Start an embedded local Ray and let the workers that it starts ahead come up.

    What is compared is work on a cluster that is there, not one that is still starting.
    """
    ray.init(
        address="local",
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    time.sleep(_SETTLE_S)
