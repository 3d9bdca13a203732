"""Threads for the few loops that NumPy runs on one core; NumPy releases the interpreter inside its loops."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

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


def each_share(function: Callable[[range], None], number: int) -> None:
    """Call `function` once for each core, with every so many-th of 0..number-1, so that it can keep buffers."""
    threads = min(thread_count(), number)
    each(function, [range(first, number, threads) for first in range(threads)])


def one_blas_thread() -> AbstractContextManager[object]:
    """Within it, products of matrices take one thread.

    For small products before a loop of `each`: OpenBLAS's threads go on spinning for some 25 ms after each product, on
    the cores that the loop needs, which makes two threads of it as slow as one (`benchmarks/one.py ped`).
    """
    return _libraries().limit(limits=1, user_api="blas")


@cache
def _libraries() -> ThreadpoolController:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
