"""Time one computation in a separate process: seconds and peak memory as one line of JSON.

The fastest of several runs counts, because other work on the machine can only add time (as `timeit` advises). The runs
fill two seconds; there are at least three if the first two take less than 30 s. Memory is the peak above the memory
that the process held when the computation began, which includes the features (Linux).
"""

from __future__ import annotations

import ctypes
import json
import resource
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import plain

from pedrank.ablation.sweep import sweep
from pedrank.metrics import score
from pedrank.observation.observation import observe
from pedrank.observation.statistics import ReferenceStatistics
from pedrank.refinements.ped import refine
from pedrank.utils.memory import available_memory


def features(n: int, d: int, c: int) -> tuple[np.ndarray, np.ndarray, ReferenceStatistics]:
    """Features (n, d) float32 like a ResNet's, labels (n,) and reference statistics.

    The features are rectified mixtures of class-dependent latents with decaying scales.
    """
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.arange(n) % c)
    latents = min(d, 512)
    scale = (np.arange(1, latents + 1) ** -0.5).astype(np.float32)
    mixing = rng.normal(size=(latents, d)).astype(np.float32) * scale[:, None] / 2
    centres = 0.5 * rng.normal(size=(c, latents)).astype(np.float32)
    made = np.empty((n, d), dtype=np.float32)
    for start in range(0, n, 4096):
        rows = slice(start, start + 4096)
        made[rows] = (centres[labels[rows]] + rng.standard_normal((len(labels[rows]), latents), np.float32)) @ mixing
    np.maximum(made, 0, out=made)
    return made, labels, ReferenceStatistics.from_features(made[:2000] + 0.1)


def computation(
    what: str, who: str, x: np.ndarray, y: np.ndarray, reference: ReferenceStatistics
) -> Callable[[], object]:
    """The call to time: computation `what` by `who`, "plain" or "pedrank"."""
    if what == "copy":
        return x.copy
    if what == "sweep":  # 100 settings with LogME, starting from the features
        settings = [{"lam": lam, "dt": dt} for lam in np.linspace(0.1, 1.0, 10) for dt in np.linspace(0.05, 0.5, 10)]
        return lambda: sweep(observe(x, y), reference, settings)
    if what == "ped":
        if who == "plain":
            return lambda: plain.ped(x, y, reference.mean, reference.std)
        return lambda: refine(x, y, reference).apply(x, y)
    if who == "plain":
        return lambda: getattr(plain, what)(x, y)
    return lambda: score(what, x, y, **({"seeds": 1} if what == "nleep" else {}))


def limit_memory() -> None:
    """Limit this process to the free memory: a larger computation ends in a MemoryError and harms no other process."""
    now = held("VmSize")
    limit = now + (available_memory() or resource.RLIM_INFINITY - now)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def held(what: str) -> int:
    """Bytes of this process, by the kernel's name: VmSize, VmRSS, or VmHWM, the peak of VmRSS."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{what}:"))


def forget_peak() -> int:
    """Return freed memory to the system, reset the peak, and return the bytes that this process holds."""
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    return held("VmRSS")


def fastest(run: Callable[[], object]) -> float:
    """Seconds of the fastest of several runs."""
    seconds: list[float] = []
    while not seconds or sum(seconds) < 2 or (len(seconds) < 3 and sum(seconds) < 30):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def main() -> None:
    what, who, *shape = sys.argv[1:]
    warnings.simplefilter("ignore")
    x, y, reference = features(*map(int, shape))
    # A small case first: it loads libraries and starts threads.
    computation(what, who, x[:200], np.arange(200) % 2, reference)()
    run = computation(what, who, x, y, reference)
    limit_memory()
    before = forget_peak()
    print(json.dumps({"seconds": fastest(run), "megabytes": (held("VmHWM") - before) / 1e6}))


if __name__ == "__main__":
    main()
