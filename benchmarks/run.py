"""`make bench`: time and memory of pedrank against the published algorithms, written to docs/benchmarks.md.

Both run in one session with the same threads and features, each computation in a separate process. The names of sizes
on the command line limit the run to these sizes. `--growth-only` makes only the figure, `--no-growth` leaves it out.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent / "docs"
SIZES = {  # as the paper scores them: N, D, C
    "Flowers": (8_189, 2048, 102),
    "CIFAR-10": (60_000, 2048, 10),
    "Cars": (16_185, 2048, 196),
    "Food": (101_000, 2048, 101),
}
COMPUTATIONS = ("ped", "logme", "sfda", "gbc", "parc", "nleep")
HEAD = """# Benchmarks

Made by `make bench` on {machine}.

`plain` is the published algorithm with the steps of its released code (`benchmarks/plain.py`). Both give the same
numbers (`tests/test_benchmarks.py`). Both run in one session with the same threads and features, each computation in
a separate process, and the fastest run counts. Memory is the peak in addition to the features. PED includes writing
the refined features. NLEEP fits one mixture. A dash means that the plain algorithm was not run, needed more memory
than the machine has, or did not end within half an hour. Beyond 15,000 rows both compute PARC on a sample.

The speed-up of PED depends on the number of its moves, since each move costs the plain algorithm a pass over all
features. If all classes overlap, a move reduces the force to the share 1 - C dt^2 k / 2. So with 100 classes or more
PED ends after two moves, the smallest possible number, and with ten classes it makes six. Features and images have
their own page, [`benchmarks-features.md`](benchmarks-features.md).
"""
LONGEST = 1800  # seconds a computation may take
GROWTH = {
    "N": [(n, 512, 50) for n in (1000, 2000, 4000, 8000)],
    "D": [(4000, d, 50) for d in (128, 256, 512, 1024)],
    "C": [(4000, 512, c) for c in (10, 25, 50, 100, 200)],
}


def measure(what: str, who: str, shape: tuple[int, int, int]) -> dict[str, float] | None:
    """Seconds and megabytes of one computation; None if it took too long or too much memory."""
    command = [sys.executable, HERE / "one.py", what, who, *map(str, shape)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, encoding="utf-8")
    except subprocess.TimeoutExpired:
        return None
    print(f"{what:6} {who:8} {shape}: {done.stdout.strip() or done.stderr.strip()[-300:]}", file=sys.stderr)
    return json.loads(done.stdout) if done.returncode == 0 else None


def table(name: str) -> list[str]:
    """Markdown lines for one size."""
    n, d, c = SIZES[name]
    copy = measure("copy", "pedrank", SIZES[name])
    lines = [
        f"## {name}: {n:,} x {d:,}, {c} classes",
        "",
        f"Features {4e-6 * n * d:,.0f} MB; copying them takes {copy['seconds'] * 1e3:.1f} ms.",
        "",
        "| | plain, s | pedrank, s | times | plain, MB | pedrank, MB |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for what in COMPUTATIONS:
        # The plain mixture of 500 full covariances takes hours on 100,000 rows.
        plain = measure(what, "plain", SIZES[name]) if what != "nleep" or n < 10_000 else None
        ours = measure(what, "pedrank", SIZES[name])
        lines.append(f"| {what} | {_cells(plain, ours)} |")
    if n < 10_000:
        single, sweep = measure("logme", "pedrank", SIZES[name]), measure("sweep", "pedrank", SIZES[name])
        ratio = sweep["seconds"] / single["seconds"]
        seconds = f"{sweep['seconds']:.1f} s, as much as {ratio:.1f} single LogME scores"
        lines += ["", f"100 PED settings with LogME take {seconds}."]
    return [*lines, ""]


def _cells(plain: dict[str, float] | None, ours: dict[str, float] | None) -> str:
    if ours is None:
        return "- | failed | - | - | -"
    if plain is None:
        return f"- | {ours['seconds']:.3g} | - | - | {ours['megabytes']:.0f}"
    seconds = f"{plain['seconds']:.3g} | {ours['seconds']:.3g} | {plain['seconds'] / ours['seconds']:.1f}"
    return f"{seconds} | {plain['megabytes']:.0f} | {ours['megabytes']:.0f}"


def growth(path: Path) -> None:
    """Write a figure of seconds and megabytes by N, D and C: solid lines for pedrank, dashed ones for `plain`."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    colours = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#000000")
    figure, axes = plt.subplots(2, 3, figsize=(10, 6), sharey="row", layout="constrained")
    for column, (symbol, shapes) in enumerate(GROWTH.items()):
        sizes = [shape["NDC".index(symbol)] for shape in shapes]
        for what, colour in zip(COMPUTATIONS, colours, strict=True):
            for who, line in (("pedrank", "-"), ("plain", "--")):
                found = [measure(what, who, shape) for shape in shapes]
                for row, key in enumerate(("seconds", "megabytes")):
                    values = [one[key] if one else float("nan") for one in found]
                    axes[row, column].loglog(sizes, values, line, marker="o", markersize=3, color=colour)
        for panel in axes[:, column]:
            panel.set_xticks(sizes, [f"{size:,}" for size in sizes])
            panel.minorticks_off()
        axes[1, column].set_xlabel(symbol)
        fixed = ", ".join(f"{name} = {value:,}" for name, value in zip("NDC", shapes[0], strict=True) if name != symbol)
        axes[0, column].set_title(f"by {symbol}, at {fixed}", fontsize=10)
    axes[0, 0].set_ylabel("seconds")
    axes[1, 0].set_ylabel("peak MB beside the features")
    handles = [plt.Line2D([], [], color=colour, label=what) for what, colour in zip(COMPUTATIONS, colours, strict=True)]
    handles += [
        plt.Line2D([], [], color="grey", linestyle=line, label=who) for who, line in (("pedrank", "-"), ("plain", "--"))
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False, fontsize=9)
    figure.savefig(path, dpi=150, metadata={"Software": None})


def machine() -> str:
    """Processor, threads and libraries on which the numbers depend."""
    import numpy
    import sklearn

    model = next(
        (
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    threads = os.environ.get("OMP_NUM_THREADS", len(os.sched_getaffinity(0)))
    return f"{model}, {threads} threads, numpy {numpy.__version__}, scikit-learn {sklearn.__version__}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", choices=[*SIZES, []], help="all by default")
    parser.add_argument("--no-growth", action="store_true")
    parser.add_argument("--growth-only", action="store_true")
    arguments = parser.parse_args()
    DOCS.mkdir(exist_ok=True)
    if not arguments.growth_only:
        lines = [*HEAD.format(machine=machine()).splitlines(), ""]
        figure = ["## Growth", "", "![seconds and memory by N, D and C](benchmarks-growth.png)", ""]
        for name in arguments.sizes or SIZES:
            lines += table(name)
            # Written after each size: an interrupted run keeps its results.
            (DOCS / "benchmarks.md").write_text("\n".join(lines + figure), encoding="utf-8")
    if not arguments.no_growth:
        growth(DOCS / "benchmarks-growth.png")


if __name__ == "__main__":
    main()
