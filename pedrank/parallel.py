"""Threads for the few loops that NumPy runs on one core; NumPy releases the interpreter inside its loops."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def thread_count() -> int:
    """Cores this process may use: OMP_NUM_THREADS where it is set (as BLAS reads it), else the process's own cores."""
    given = os.environ.get("OMP_NUM_THREADS", "")
    return int(given) if given.isdigit() and int(given) > 0 else len(os.sched_getaffinity(0))


def each(function: Callable[[T], None], items: Iterable[T]) -> None:
    """Call `function` on every item, on all cores; the calls must not write to the same memory."""
    if thread_count() == 1:
        for item in items:
            function(item)
        return
    with ThreadPoolExecutor(thread_count()) as pool:
        for _ in pool.map(function, items):
            pass
