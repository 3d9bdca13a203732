"""`make bench-gpu`: metrics, extraction and fine-tuning on a GPU, written to docs/benchmarks-gpu.md.

    python benchmarks/gpu.py                                          # on the GPU; without one, the page says so
    python benchmarks/gpu.py --device cpu:0 --shapes Tiny=60,8,3 ...  # try the benchmark on torch's CPU device

metrics      NumPy on the CPU against the device, features in memory on both sides: class statistics and the score, and
             on the device the copy of the features. NLEEP fits one mixture. The fastest of `--rounds` runs counts
agreement    difference of both scores, relative to NumPy's
extraction   from mapped images to the file of features, against the bare forward pass at the same precision
fine-tuning  pedrank's steps against a plain loop (benchmarks/finetune.py)

A CPU's figures are not a GPU's: with `--device cpu:0` they are only printed, or written to the file that `--out` names.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from features import SIZE, extracting
from finetune import images_per_second, ours, plain
from one import features as invented
from pipe_table import markdown
from run import SIZES

from pedrank.metrics import Score, evaluate
from pedrank.observation.observation import observe
from pedrank.runtime.device import wait_for
from pedrank.utils.machine import processor
from pedrank.utils.parallel import thread_count

PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks-gpu.md"
METRICS = ("nleep", "parc", "sfda", "lda", "gbc", "logme", "knn", "h_score")
OPTIONS = {"nleep": {"seeds": 1}}
PRECISIONS = ("float32", "tf32", "bfloat16", "float16")
NOTHING = "not measured: no GPU"
HEAD = """# Benchmarks on a GPU

`make bench-gpu` on {machine}.

NumPy computes scores on {threads} CPU threads. The GPU's seconds include copying the features to it. Both include class
statistics. NLEEP fits one mixture. *Difference* is relative to NumPy's score. Extraction runs ResNet-50 at 224 pixels,
from mapped images to the file of features, and is compared with the bare forward pass at the same precision.
Fine-tuning is compared with a plain loop: float32 with torch's defaults, images decoded and cropped in processes.
"""
Shapes = dict[str, tuple[int, int, int]]


def timed(name: str, shape: tuple[int, int, int], device: str, rounds: int) -> tuple[float, Score]:
    """Seconds of the fastest run, after one to warm up on a device, and the score."""
    x, y, _ = invented(*shape)
    seconds = []
    for _ in range(rounds + (device != "cpu")):
        start = time.perf_counter()
        found = evaluate(name, observe(x, y, device=device), **OPTIONS.get(name, {}))  # ends on the CPU: no waiting
        seconds.append(time.perf_counter() - start)
    return min(seconds[-rounds:]), found


def metrics_table(shapes: Shapes, names: list[str], device: str | None, rounds: int) -> pd.DataFrame:
    """Seconds of each metric at each size by NumPy and on the device, and how far both scores differ."""
    rows = []
    for size, shape in shapes.items():
        for name in names:
            row = {"size": f"{size}, {shape[0]:,} x {shape[1]:,}, {shape[2]} classes", "metric": name}
            if device is None:
                rows.append(row | dict.fromkeys(("NumPy, s", "GPU, s", "times", "difference"), NOTHING))
                continue
            theirs, expected = timed(name, shape, "cpu", rounds)
            mine, found = timed(name, shape, device, rounds)
            difference = abs(found.score - expected.score) / max(abs(expected.score), 1e-300)
            row |= {"NumPy, s": theirs, "GPU, s": mine, "times": theirs / mine, "difference": f"{difference:.0e}"}
            rows.append(row)
    return pd.DataFrame(rows)


def extraction_table(device: str | None, batch: int, batches: int, rounds: int) -> pd.DataFrame:
    """Images per second of the bare forward pass and of extraction, by precision."""
    columns = ("bare, images/s", "pedrank, images/s", "ratio")
    if device is None:
        return pd.DataFrame([{"precision": each} | dict.fromkeys(columns, NOTHING) for each in PRECISIONS])
    kind, rows = torch.device(device).type, []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        images = np.random.default_rng(0).integers(0, 256, (max(4, batch), SIZE, SIZE, 3), dtype=np.uint8)
        for precision in PRECISIONS if kind == "cuda" else ["float32"]:
            bare, whole = extracting(folder, images, kind, precision, batch, batches, rounds)
            rows.append({"precision": precision} | dict(zip(columns, (bare, whole, whole / bare), strict=True)))
    return pd.DataFrame(rows)


def training_table(device: str | None, arguments: argparse.Namespace) -> pd.DataFrame:
    """Images per second of a plain loop and of pedrank's steps, each the better one of two runs, in turns."""
    columns = ("plain, images/s", "pedrank, images/s", "times")
    row = {"network": f"{arguments.architecture}, {arguments.size} pixels, batches of {arguments.batch}"}
    if device is None:
        return pd.DataFrame([row | dict.fromkeys(columns, NOTHING)])
    where, side = torch.device(device), arguments.source
    images = torch.randint(0, 256, (arguments.images, side, side, 3), dtype=torch.uint8).numpy()
    best = {plain: 0.0, ours: 0.0}
    for _ in range(2):
        for loop in best:
            wait_for(where)
            speed = images_per_second(loop(arguments.architecture, images, arguments, where), arguments, where)
            best[loop] = max(best[loop], speed)
    speeds = best[plain], best[ours], best[ours] / best[plain]
    return pd.DataFrame([row | dict(zip(columns, speeds, strict=True))])


def _shape(text: str) -> tuple[str, tuple[int, int, int]]:
    name, _, numbers = text.partition("=")
    n, d, c = SIZES[name] if not numbers else map(int, numbers.split(","))
    return name, (n, d, c)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else None, help="torch's name")
    parser.add_argument("--shapes", nargs="*", default=["Flowers", "Cars", "Food"], help="NAME, or NAME=N,D,C")
    parser.add_argument("--metrics", nargs="*", default=list(METRICS))
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--batches", type=int, default=40, help="of extraction")
    parser.add_argument("--extracted", type=int, default=256, help="images in a batch of extraction")
    parser.add_argument("--architecture", default="resnet50", help="network of fine-tuning")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--source", type=int, default=256, help="side of the images from which crops are taken")
    parser.add_argument("--batch", type=int, default=128, help="images in a step of fine-tuning")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=thread_count(), help="processes that decode for the plain loop")
    parser.add_argument("--out", type=Path, help=f"by default {PAGE.name} where the device is a GPU or missing")
    arguments = parser.parse_args()
    device = arguments.device
    gpu = device is not None and torch.device(device).type == "cuda"
    machine = f"{torch.cuda.get_device_name(device)} and {processor()}" if gpu else device or "a machine without a GPU"
    warnings.simplefilter("ignore")  # PARC scores a sample of Food
    tables = {
        "Metrics": metrics_table(dict(map(_shape, arguments.shapes)), arguments.metrics, device, arguments.rounds),
        "Extraction": extraction_table(device, arguments.extracted, arguments.batches, arguments.rounds),
        "Fine-tuning": training_table(device, arguments),
    }
    page = HEAD.format(machine=machine, threads=thread_count())
    page += "".join(f"\n## {title}\n\n{markdown(table)}" for title, table in tables.items())
    out = arguments.out or (PAGE if gpu or device is None else None)
    if out is not None:
        out.write_text(page, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
