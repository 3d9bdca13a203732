"""Hostile input for every reader: how it is made (`inputs`), and the cage that a reader is let loose on it in (`cage`).

PEDRANK_FUZZ in the environment is the number of inputs for each reader, new ones each time (`make fuzz`); without it a
few, always the same, are part of the tests.
"""

import os

from hypothesis import HealthCheck, settings

LONG = int(os.environ.get("PEDRANK_FUZZ", 0))


def fuzzed(examples: int = 10) -> settings:
    """So many inputs in the tests; PEDRANK_FUZZ of them where it is set."""
    return settings(
        max_examples=LONG or examples,
        derandomize=not LONG,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
