"""Time the released code of the paper beside `plain.py` and pedrank, written to docs/benchmarks-released.md.

    git clone https://github.com/lixiaotong97/PED ../PED
    python benchmarks/released.py ../PED

Each computation runs in a separate process, on the features of `benchmarks/one.py`; the fastest of its runs counts. The
released code is not part of this repository. It has no GBC.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import subprocess
import sys
import warnings
from collections.abc import Callable

import numpy as np
from one import fastest, features
from run import DOCS, SIZES, machine, measure

FUNCTIONS = {"ped": "PED_Score", "logme": "LogME_Score", "sfda": "SFDA_Score", "parc": "PARC_Score", "nleep": "NLEEP"}
HEAD = """# The released code beside `plain.py`

`python benchmarks/released.py ../PED` on {machine}; the
released code is github.com/lixiaotong97/PED at {commit}.

{n:,} features x {d:,}, {c} classes, as Flowers has; seconds, each computation in a separate process. `plain.py` is what
the [benchmarks](benchmarks.md) compare pedrank with. PED is the movement alone, without the metric after it and with a
reference of 2,000 rows (the paper's has 50,000, and the released code computes its mean and deviation in every step).
The released mixture of NLEEP has no seed.

| | released | `plain.py` | pedrank | released / `plain.py` | released / pedrank |
|---|--:|--:|--:|--:|--:|
"""


def released(folder: str, what: str, x: np.ndarray, y: np.ndarray) -> Callable[[], object]:
    """The call of the released code that computes `what`."""
    sys.path.insert(0, folder)
    import metrics

    if what == "nleep":  # in float32 its covariances become singular
        x = x.astype(np.float64)
    if what != "ped":
        # SFDA writes into the features it gets.
        return lambda: getattr(metrics, FUNCTIONS[what])(x.copy(), y)
    metrics.LogME_Score = lambda *_: 0.0  # the movement without the score
    reference = x[:2000] + 0.1
    return lambda: metrics.PED_Score(x, y, reference, type="LOGME", nsigma=0.6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="checkout of the released code")
    parser.add_argument("--only", choices=FUNCTIONS, help=argparse.SUPPRESS)  # the separate process of one computation
    arguments = parser.parse_args()
    n, d, c = SIZES["Flowers"]
    if arguments.only:
        warnings.simplefilter("ignore")
        x, y, _ = features(n, d, c)
        run = released(arguments.folder, arguments.only, x, y)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            seconds = fastest(run)
        print(json.dumps(seconds))
        return
    git = ["git", "-C", arguments.folder, "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(git, capture_output=True, text=True, check=True, encoding="utf-8").stdout.strip()
    text = HEAD.format(machine=machine(), commit=commit, n=n, d=d, c=c)
    for what in FUNCTIONS:
        command = [sys.executable, __file__, arguments.folder, "--only", what]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, encoding="utf-8")
        theirs = float(json.loads(done.stdout))
        plain, ours = (measure(what, who, SIZES["Flowers"])["seconds"] for who in ("plain", "pedrank"))
        text += f"| {what} | {theirs:.3g} | {plain:.3g} | {ours:.3g} | {theirs / plain:.2f} | {theirs / ours:.1f} |\n"
        (DOCS / "benchmarks-released.md").write_text(text, encoding="utf-8")  # an interrupted run keeps its results
        print(text.splitlines()[-1], file=sys.stderr)


if __name__ == "__main__":
    main()
