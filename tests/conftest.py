"""Tests import what stands beside them, and one thread each keeps two of them out of each other's way."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
os.environ["PEDRANK_RECORD"] = "none"  # the record of whoever runs the tests stays as it is
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")


# Files of a minute or more. They come first, so that no process waits for another one at the end.
SLOW = [
    "workflow",
    "chain",
    "rank",
    "record",
    "prior_study",
    "rank_budget",
    "study_folder",
    "checkpoint_words",
    "wheel",
]


def pytest_collection_modifyitems(items):
    """Slow files first, slowest first; the order within a file stays."""
    places = {f"test_{name}": place for place, name in enumerate(SLOW)}
    items.sort(key=lambda item: places.get(item.path.stem, len(SLOW)))


@pytest.fixture(autouse=True)
def _settings_of_one_study():
    """What `catalogue.use_settings` puts into the environment ends with the test that called it."""
    names = ("PEDRANK_CATALOGUE", "PEDRANK_MIRROR")
    before = {name: os.environ[name] for name in names if name in os.environ}
    yield
    for name in names:
        os.environ.pop(name, None)
    os.environ.update(before)


def pytest_terminal_summary(terminalreporter):
    """`make fuzz` ends with its figures."""
    if os.environ.get("PEDRANK_FUZZ"):
        from fuzz.cage import figures

        failed = len(terminalreporter.stats.get("failed", []))
        terminalreporter.write_line(f"{figures()}\nreaders that did what they may not: {failed}")
