"""Measure how planning and scheduling grow with a study, on simulated studies; docs/scaling.md explains the results.

`python benchmarks/scaling.py plan NAME ...` plans studies of STUDIES with the real Snakefile, in a dry run.
`run NAME ...` runs them with commands that only make their outputs. Both append to docs/scaling.csv. `draw` draws
docs/scaling.png.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import simulated

from pedrank.utils.paths import ROOT

DOCS = ROOT / "docs"
SNAKEMAKE = str(Path(sys.executable).with_name("snakemake"))
FINETUNE = {"ground_truth": {"source": "finetune"}}
TOGETHER = {"metrics_together": True}
STUDIES = {  # checkpoints, datasets, metrics (the paper's: 12 x 10 x 5), Snakemake's jobs, changes of the study
    "paper": (12, 10, 5, 1067, {}),
    "paper, fine-tuned": (12, 10, 5, 3727, FINETUNE),
    "10x": (120, 10, 5, 10031, {}),
    "10x, metrics together": (120, 10, 5, 5231, TOGETHER),
    "50,000, metrics together": (500, 10, 10, 21571, TOGETHER),
    "100x, metrics together": (1200, 10, 5, 51671, TOGETHER),
}


def plan(name: str) -> dict[str, float]:
    """Wall and processor seconds, and peak megabytes, of a dry run."""
    with tempfile.TemporaryDirectory() as folder:
        study = _study(name, Path(folder))
        return _snakemake(ROOT, Path(folder), study, "default", "-n", "--quiet")


def run(name: str) -> dict[str, float]:
    """The same for a run on 2 cores with `touch` as every command; "bare" are the seconds without Snakemake."""
    with tempfile.TemporaryDirectory() as folder:
        study = _study(name, Path(folder))
        simulated.stub(Path(folder, "stub"))
        # The profile gives each job one thread, so two jobs run at a time.
        found = _snakemake(Path(folder, "stub"), Path(folder), study, "quickstart", "--cores", "2", "--quiet")
        return found | {"bare": _bare(Path(folder)) * STUDIES[name][3]}


def _study(name: str, folder: Path) -> Path:
    checkpoints, datasets, metrics, _, changes = STUDIES[name]
    return simulated.write(folder, checkpoints, datasets, metrics, **changes)


def _snakemake(workflow: Path, folder: Path, study: Path, profile: str, *arguments: str) -> dict[str, float]:
    command = [SNAKEMAKE, "--snakefile", str(workflow / "Snakefile"), "--directory", str(folder)]
    command += ["--workflow-profile", str(workflow / "profiles" / profile), "--configfile", str(study), *arguments]
    start = time.perf_counter()
    with open(folder / "output.txt", "w", encoding="utf-8") as output:
        process = subprocess.Popen(
            command, env=os.environ | {"PYTHONPATH": str(workflow)}, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            _, status, used = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
    seconds = time.perf_counter() - start
    if status:
        raise SystemExit((folder / "output.txt").read_text(encoding="utf-8")[-3000:])
    return {
        "seconds": seconds,
        "processor": used.ru_utime + used.ru_stime,
        "megabytes": used.ru_maxrss * 1024 / 1e6,
    }


def _bare(folder: Path, number: int = 1000) -> float:
    """Seconds of one command of a score, two at a time, each in its own bash, as Snakemake starts it."""
    command = f"set -euo pipefail; touch {' '.join(f'{folder}/output-{file}' for file in range(6))}"
    start = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: subprocess.run(["bash", "-c", command], check=True), range(number)))
    return (time.perf_counter() - start) / number


def draw(rows: pd.DataFrame) -> None:
    """Draw docs/scaling.png: wall seconds and megabytes of planning by number of jobs, one line per design."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
    planned = rows[rows["what"] == "plan"]
    together = planned["study"].str.contains("together")
    for chosen, label, colour in (
        (~together, "a job for each metric of a pair", "#0072B2"),
        (together, "metrics_together", "#D55E00"),
    ):
        part = planned[chosen].sort_values("jobs")
        for panel, column in zip(axes, ("seconds", "megabytes"), strict=True):
            panel.loglog(part["jobs"], part[column], "o-", color=colour, label=label)
    axes[0].axhline(75, color="grey", linewidth=0.8, linestyle=":")
    for panel, title in zip(axes, ("seconds to plan", "peak MB of the workflow's process"), strict=True):
        panel.set_xlabel("jobs")
        panel.set_title(title, fontsize=10)
        low, high = panel.get_ylim()
        panel.set_yticks([tick for tick in (3, 10, 30, 75, 100, 200, 400, 600, 1000) if low < tick < high])
        panel.yaxis.set_major_formatter("{x:g}")
        panel.yaxis.set_minor_formatter("")
    axes[0].legend(frameon=False, fontsize=8)
    figure.savefig(DOCS / "scaling.png", dpi=110, metadata={"Software": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["plan", "run", "draw"])
    parser.add_argument("studies", nargs="*", help=", ".join(STUDIES))
    arguments = parser.parse_args()
    path = DOCS / "scaling.csv"
    rows = pd.read_csv(path) if path.exists() else pd.DataFrame()
    if arguments.what == "draw":
        draw(rows)
        print(rows.round(2).to_string(index=False))
    for name in arguments.studies:
        checkpoints, datasets, metrics, jobs, _ = STUDIES[name]
        size = {"checkpoints": checkpoints, "datasets": datasets, "metrics": metrics, "jobs": jobs}
        load = os.getloadavg()[0]
        found = {"plan": plan, "run": run}[arguments.what](name)
        row = {"what": arguments.what, "study": name, **size, "scores": checkpoints * datasets * metrics, **found}
        print(row, file=sys.stderr)
        rows = pd.concat([rows, pd.DataFrame([row | {"load": load}])])
        rows.drop_duplicates(["what", "study"], keep="last").to_csv(path, index=False)  # kept if interrupted


if __name__ == "__main__":
    main()
