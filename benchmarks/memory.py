"""Memory of every metric at Food's size, promised and measured, written to docs/memory.md.

    python benchmarks/memory.py              all metrics
    python benchmarks/memory.py gbc parc     some metrics, printed only
    python benchmarks/memory.py gbc --size 4000 512 200

Each metric runs in a separate process, on features made as in `benchmarks/one.py`. A metric that has not ended after
`LONGEST` seconds is stopped, and its peak so far counts: all its steps need the same memory.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import threading
import warnings
from contextlib import suppress

import numpy as np
from one import features, forget_peak, held, limit_memory
from run import DOCS, SIZES, machine

from pedrank.metrics import UndefinedScore, bytes_needed, get_metric, metric_names, score

LONGEST = 120  # seconds
HEAD = """# Memory of the metrics

Made by `python benchmarks/memory.py` on {machine}.

All numbers are MB at the size of Food-101 ({n:,} images x {d:,} features, {c} classes), beyond the features (float32,
{features:,.0f} MB). **Promised** is the number that pedrank compares with the free memory before a metric starts; if
less is free, the metric is refused with both numbers. Jobs of a study request it ([clusters](clusters.md)).
**Measured** is the peak in a separate process. A metric that did not end within {longest} s was stopped, and its peak
so far is given. `tests/test_memory_promised.py` measures smaller sizes.

Features may be larger than the memory, since pedrank maps them from their file (.safetensors and .npy, not .npz). The
memory of most metrics does not depend on the number of images. The others copy all features (k-NN and ITM as float32,
LEAD and PACTran as float64) or their projection (NLEEP).

| metric | promised | measured | grows with images x features |
|---|--:|--:|---|
"""


def options_of(metric: str, labels: np.ndarray, c: int) -> dict[str, np.ndarray]:
    """What a metric needs beside features and labels: the outputs of a classifier, here invented."""
    if metric == "nce":
        return {"source_labels": labels}
    return {"probabilities": np.eye(c)[labels]} if metric == "leep" else {}


def peak_of(metric: str, size: tuple[int, int, int], longest: float = 0, **options: object) -> float:
    """Peak in MB of one score beyond the features. After `longest` seconds, print the peak and end the process."""
    warnings.simplefilter("ignore")
    x, y, _ = features(*size)
    few = np.arange(200) % 2
    with suppress(UndefinedScore):
        score(metric, x[:200], few, **options_of(metric, few, 2), **options)  # loads libraries and starts threads
    options |= options_of(metric, y, size[2])
    before = forget_peak()

    def stop() -> None:
        print(f"{(held('VmHWM') - before) / 1e6:.0f}, stopped", flush=True)
        os._exit(0)

    if longest:
        limit_memory()
        timer = threading.Timer(longest, stop)
        timer.start()
    score(metric, x, y, **options)
    peak = (held("VmHWM") - before) / 1e6
    if longest:
        timer.cancel()
    return peak


def measured(metric: str, n: int, d: int, c: int) -> str:
    """What `peak_of` finds in a separate process, or why it found nothing."""
    command = [sys.executable, __file__, "--here", "--size", str(n), str(d), str(c), metric]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("metrics", nargs="*", help="all by default")
    parser.add_argument("--size", nargs=3, type=int, default=SIZES["Food"], metavar=("N", "D", "C"))
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    n, d, c = arguments.size
    if arguments.here:
        print(f"{peak_of(arguments.metrics[0], (n, d, c), LONGEST):.0f}")
        return
    text = HEAD.format(machine=machine(), n=n, d=d, c=c, features=4e-6 * n * d, longest=LONGEST)
    for name in arguments.metrics or metric_names():
        promised = bytes_needed(name, n, d, c) / 1e6
        found = measured(name, n, d, c)
        print(f"{name:14} {n} x {d}, {c} classes: promised {promised:.0f} MB, measured {found}", flush=True)
        grows = bytes_needed(name, 2 * n, d, c) / 1e6 - promised > 1e-6 * n * d
        text += f"| {get_metric(name).title} | {promised:,.0f} | {found} | {'yes' if grows else ''} |\n"
        if not arguments.metrics and arguments.size == SIZES["Food"]:
            (DOCS / "memory.md").write_text(text, encoding="utf-8")  # after each: an interrupted run keeps its results


if __name__ == "__main__":
    main()
