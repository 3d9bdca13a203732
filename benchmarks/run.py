"""`make bench`: time and memory of pedrank against the published algorithms, written to docs/benchmarks.md.

Both run in one session with the same threads and features, each computation in a separate process. The names of sizes
on the command line limit the run to these sizes. `--growth-only` makes only the figure, `--no-growth` leaves it out.
"""

from __future__ import annotations

import argparse
import json
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
COMPUTATIONS = ("ped", "logme", "sfda", "gbc", "parc", "nleep", "knn")
HEAD = """# Benchmarks

Made by `make bench` on {machine}.

`plain` is the published algorithm with the steps of its released code (`benchmarks/plain.py`). Both give the same
numbers (`tests/test_benchmarks.py`). Both run in one session with the same threads and features, each computation in
a separate process, and the fastest run counts. Memory is the peak in addition to the features. PED includes writing
the refined features. NLEEP fits one mixture. A dash means that the plain algorithm was not run, needed more memory
than the machine has, or did not end within half an hour. Beyond 15,000 rows both compute PARC on a sample.

The speed-up of PED depends on the number of its moves, since each move costs the plain algorithm a pass over all
features. If all classes overlap, a move reduces the force to the share 1 - C dt^2 k / 2. So with 100 classes or more
PED ends after two moves, the smallest possible number, and with ten classes it makes six. Its lower limit is the speed
of memory, so that the plain algorithm gains more from a faster processor.

NLEEP gains most where the Gaussians have fewer rows than dimensions (Flowers, Cars, Food): almost every density is then
zero, and k-means takes most of the time. Where they have more rows (CIFAR-10), bounds in float32 leave about 1.5 of 50
densities to compute for each row. The nine mixtures of a study (three starts before PED and after two refinements)
share the scatter, and for each refinement the projection; k-means and EM are computed for each, so that nine take
four to seven times as long as one. Two ways to skip distances in k-means gave equal clusters, but not sooner (bounds by
Elkan 2003, for pairs of row and centre and for blocks of rows), since plain products of matrices run at the speed of
the processor.

Other pages: the [released code](benchmarks-released.md) beside `plain.py`, [images and
features](benchmarks-features.md), [the scores of the whole study](benchmarks-study.md), [a GPU](benchmarks-gpu.md).
"""
LONGEST = 1800  # seconds a computation may take
FASTER = {"ped": 30, "logme": 4, "sfda": 12, "gbc": 5, "parc": 8, "nleep": 60}  # least speed-up at the size of Flowers
NLEEP_SECONDS = {"Cars": 4, "Food": 60}  # at most, for one mixture on two cores
Measured = dict[str, float] | None
GROWTH = {
    "N": [(n, 512, 50) for n in (1000, 2000, 4000, 8000)],
    "D": [(4000, d, 50) for d in (128, 256, 512, 1024)],
    "C": [(4000, 512, c) for c in (10, 25, 50, 100, 200)],
}


def measure(what: str, who: str, shape: tuple[int, int, int]) -> Measured:
    """Seconds and megabytes of one computation; None if it took too long or too much memory."""
    command = [sys.executable, HERE / "one.py", what, who, *map(str, shape)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, encoding="utf-8")
    except subprocess.TimeoutExpired:
        return None
    print(f"{what:6} {who:8} {shape}: {done.stdout.strip() or done.stderr.strip()[-300:]}", file=sys.stderr)
    return json.loads(done.stdout) if done.returncode == 0 else None


def measure_size(name: str) -> dict[tuple[str, str], Measured]:
    """What was measured at one size, by computation and "plain" or "pedrank"."""
    small, found = SIZES[name][0] < 10_000, {}
    pairs = [("copy", "pedrank"), *((what, who) for what in COMPUTATIONS for who in ("plain", "pedrank"))]
    if small:
        pairs.append(("sweep", "pedrank"))
    for what, who in pairs:
        # Plain NLEEP takes hours on 100,000 rows, and plain k-NN minutes.
        if small or who == "pedrank" or what not in ("nleep", "knn"):
            found[what, who] = measure(what, who, SIZES[name])
    return found


def table(name: str, found: dict[tuple[str, str], Measured]) -> list[str]:
    """Markdown lines for one size."""
    n, d, c = SIZES[name]
    copy = found["copy", "pedrank"]
    lines = [
        f"## {name}: {n:,} x {d:,}, {c} classes",
        "",
        f"Features {4e-6 * n * d:,.0f} MB; copying them takes {copy['seconds'] * 1e3:.1f} ms.",
        "",
        "| | plain, s | pedrank, s | times | plain, MB | pedrank, MB |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for what in COMPUTATIONS:
        lines.append(f"| {what} | {_cells(found.get((what, 'plain')), found[what, 'pedrank'])} |")
    return [*lines, ""]


def targets(found: dict[str, dict[tuple[str, str], Measured]]) -> list[str]:
    """Markdown lines that compare what was measured with the targets, for the sizes that were measured."""
    rows = []
    if "Flowers" in found:
        seconds = {key: one["seconds"] for key, one in found["Flowers"].items() if one}
        for what, least in FASTER.items():
            if (what, "plain") in seconds:
                times = seconds[what, "plain"] / seconds[what, "pedrank"]
                rows.append((f"speed-up of {what} at the size of Flowers", f"at least {least}", times, times >= least))
        for text, what, unit, most in (
            ("time of PED, in copies of the features", "ped", "copy", 4),
            ("time of 100 settings of PED with LogME, in LogME scores", "sweep", "logme", 12),
        ):
            times = seconds[what, "pedrank"] / seconds[unit, "pedrank"]
            rows.append((text, f"at most {most}", times, times <= most))
    if "Cars" in found:
        sizes = found["Cars"]["ped", "pedrank"]["megabytes"] / (4e-6 * SIZES["Cars"][0] * SIZES["Cars"][1])
        rows.append(("memory of PED at the size of Cars, in sizes of the features", "at most 1.2", sizes, sizes <= 1.2))
    for name, most in NLEEP_SECONDS.items():
        if name in found:
            took = found[name]["nleep", "pedrank"]["seconds"]
            rows.append((f"one mixture of NLEEP at the size of {name}, s", f"at most {most}", took, took <= most))
    lines = ["| | target | measured | met |", "|---|--:|--:|---|"]
    lines += [f"| {what} | {target} | {value:.2f} | {'yes' if met else 'no'} |" for what, target, value, met in rows]
    return [*lines, ""]


def _cells(plain: Measured, ours: Measured) -> str:
    if ours is None:
        return "- | failed | - | - | -"
    if plain is None:
        return f"- | {ours['seconds']:.3g} | - | - | {ours['megabytes']:.0f}"
    seconds = f"{plain['seconds']:.3g} | {ours['seconds']:.3g} | {plain['seconds'] / ours['seconds']:.1f}"
    return f"{seconds} | {plain['megabytes']:.0f} | {ours['megabytes']:.0f}"


def page(found: dict[str, dict[tuple[str, str], Measured]]) -> str:
    """The whole page, from what was measured at each size."""
    lines = [*HEAD.format(machine=machine()).splitlines(), "", *targets(found)]
    for name, measured in found.items():
        lines += table(name, measured)
    return "\n".join([*lines, "## Growth", "", "![seconds and memory by N, D and C](benchmarks-growth.png)", ""])


def growth(path: Path) -> None:
    """Write a figure of seconds and megabytes by N, D and C: solid lines for pedrank, dashed ones for `plain`."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    colours = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#000000", "#56B4E9")
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

    from pedrank.utils.machine import processor
    from pedrank.utils.parallel import thread_count

    versions = f"numpy {numpy.__version__}, scikit-learn {sklearn.__version__}"
    return f"{processor()}, {thread_count()} threads, {versions}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", choices=[*SIZES, []], help="all by default")
    parser.add_argument("--no-growth", action="store_true")
    parser.add_argument("--growth-only", action="store_true")
    arguments = parser.parse_args()
    DOCS.mkdir(exist_ok=True)
    if not arguments.growth_only:
        found = {}
        for name in arguments.sizes or SIZES:
            found[name] = measure_size(name)
            # Written after each size: an interrupted run keeps its results.
            (DOCS / "benchmarks.md").write_text(page(found), encoding="utf-8")
    if not arguments.no_growth:
        growth(DOCS / "benchmarks-growth.png")


if __name__ == "__main__":
    main()
