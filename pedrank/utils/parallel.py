"""Threads for the few loops that NumPy runs on one core; NumPy releases the interpreter's lock inside its loops."""

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
_TASKS = 8  # tasks of a thread, so that one that got long items leaves the rest to the others


def thread_count() -> int:
    """Number of threads to use: OMP_NUM_THREADS if it is set, as for BLAS; otherwise the cores this process may use."""
    given = os.environ.get("OMP_NUM_THREADS", "")
    return int(given) if given.isdigit() and int(given) > 0 else len(os.sched_getaffinity(0))


def each(function: Callable[[T], None], items: Iterable[T]) -> None:
    """Call a function on every item, on all cores.

    Args:
        function: The function; its calls must not write to the same memory.
        items: The items.

    >>> squares = [0] * 3
    >>> each(lambda index: squares.__setitem__(index, index**2), range(3))
    >>> squares
    [0, 1, 4]
    """
    threads, items = thread_count(), list(items)

    def run(some: list[T]) -> None:
        for item in some:
            function(item)

    if threads == 1:
        run(items)
        return
    # A task for each of a thousand items would take longer than the items.
    number = min(len(items), _TASKS * threads)
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(run, [items[first::number] for first in range(number)]):
            pass


def each_share(function: Callable[[range], None], number: int) -> None:
    """Call a function once per core, with a share of 0..number-1, so that it can reuse buffers.

    Args:
        function: The function; it gets an arithmetic progression as a range.
        number: Number of items in all shares together.
    """
    threads = min(thread_count(), number)
    each(function, [range(first, number, threads) for first in range(threads)])


def one_blas_thread() -> AbstractContextManager[object]:
    """Limit matrix products to one thread, within the context.

    Use it for small products before a loop of `each`. OpenBLAS's threads keep spinning for about 25 ms after each
    product, on the cores that the loop needs: two threads of the loop are then as slow as one (`benchmarks/one.py
    ped`).
    """
    return _libraries().limit(limits=1, user_api="blas")


@cache
def _libraries() -> ThreadpoolController:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
