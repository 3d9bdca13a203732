"""Time one computation in a process of its own: seconds and peak memory as one line of JSON."""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings
from collections.abc import Callable

import numpy as np
import plain

from pedrank.ablation import sweep
from pedrank.dynamics import refine
from pedrank.metrics import score
from pedrank.observation import observe
from pedrank.statistics import ReferenceStatistics


def features(n: int, d: int, c: int) -> tuple[np.ndarray, np.ndarray, ReferenceStatistics]:
    """Features (n, d) float32 like a ResNet's: rectified mixtures of class-dependent latents, decaying in scale."""
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
    """The call to time."""
    if what == "copy":
        return x.copy
    if what == "sweep":  # 100 settings with LogME, from the features on
        settings = [{"lam": lam, "dt": dt} for lam in np.linspace(0.1, 1.0, 10) for dt in np.linspace(0.05, 0.5, 10)]
        return lambda: sweep(observe(x, y), reference, settings)
    if what == "ped":
        if who == "plain":
            return lambda: plain.ped(x, y, reference.mean, reference.std)
        return lambda: refine(x, y, reference).apply(x, y)
    if who == "plain":
        return lambda: getattr(plain, what)(x, y)
    return lambda: score(what, x, y, **({"seeds": 1} if what == "nleep" else {}))


def main() -> None:
    what, who, *shape = sys.argv[1:]
    warnings.simplefilter("ignore")
    x, y, reference = features(*map(int, shape))
    # Libraries load and threads start on a small case first.
    computation(what, who, x[:200], np.arange(200) % 2, reference)()
    run = computation(what, who, x, y, reference)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = []
    while not seconds or (sum(seconds) < 2 and len(seconds) < 7):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(json.dumps({"seconds": float(np.median(seconds)), "megabytes": peak * 1024 / 1e6}))


if __name__ == "__main__":
    main()
