"""Move the class centres of one (dataset, checkpoint), by PED or another refinement, once for each set of options."""

import argparse
import json
import time
from pathlib import Path

from pedrank.observation.statistics import ClassStatistics, ReferenceStatistics
from pedrank.refinements import move
from pedrank.refinements.refinement_file import save_refinement
from pedrank.runtime.command import run
from pedrank.store.artefacts import provenance, read_arrays, write_json
from pedrank.study.plugins import load_plugin
from pedrank.utils.errors import about


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--statistics", required=True, type=Path)
    parser.add_argument("--reference", required=True, type=Path)
    parser.add_argument("--options", required=True, type=json.loads, help="JSON list, one mapping for each output")
    parser.add_argument("--plugins", nargs="*", default=[], help="Python files that register refinements")
    parser.add_argument("--displacements", required=True, nargs="+", type=Path)
    parser.add_argument("--seconds", required=True, nargs="+", type=Path)
    arguments = parser.parse_args()
    for plugin in arguments.plugins:
        load_plugin(plugin)
    statistics = ClassStatistics(**read_arrays(arguments.statistics, "counts", "means", "variances"))
    reference = ReferenceStatistics(**read_arrays(arguments.reference, "mean", "std"))
    made_from = [arguments.statistics, arguments.reference]
    for options, out, seconds in zip(arguments.options, arguments.displacements, arguments.seconds, strict=True):
        start = time.perf_counter()
        with about(arguments.statistics):
            refinement = move(statistics, reference, **options)
        elapsed = time.perf_counter() - start
        save_refinement(out, refinement, provenance(options, made_from))
        write_json(seconds, {"seconds": elapsed})


run(main)
