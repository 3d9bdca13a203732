"""Compute the displacements of the classes of one (dataset, checkpoint) for each refinement of the study."""

import argparse
import time
from pathlib import Path

from pedrank.formats.yaml_file import read_yaml
from pedrank.observation.statistics import ClassStatistics, ReferenceStatistics
from pedrank.refinements import move
from pedrank.refinements.refinement_file import save_refinement
from pedrank.runtime.arguments import PATTERN, add_study
from pedrank.runtime.command import run
from pedrank.store.artefacts import provenance, read_arrays, write_json
from pedrank.store.timing import MEASURED, kept, measured
from pedrank.study.names import fill, refinements
from pedrank.study.plugins import load_plugin
from pedrank.utils.errors import about


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--statistics", required=True, type=Path)
    parser.add_argument("--reference", required=True, type=Path)
    add_study(parser)
    parser.add_argument("--plugins", nargs="*", default=[], help="Python files that register refinements")
    parser.add_argument("--code", default="", help="digest of the code; known seconds are kept if it is the same")
    parser.add_argument("--displacements", required=True, help=f"{PATTERN}; one file per refinement")
    parser.add_argument("--seconds", required=True, help=PATTERN)
    arguments = parser.parse_args()
    for plugin in arguments.plugins:
        load_plugin(plugin)
    statistics = ClassStatistics.from_arrays(read_arrays(arguments.statistics))
    reference = ReferenceStatistics(**read_arrays(arguments.reference, "mean", "std"))
    for name, options in refinements(read_yaml(arguments.study)).items():
        if name == "none":
            continue
        start = time.perf_counter()
        with about(arguments.statistics):
            refinement = move(statistics, reference, **options)
        made_by = provenance(options, [arguments.statistics, arguments.reference])
        timing = {"seconds": time.perf_counter() - start, MEASURED: measured(made_by, arguments.code)}
        save_refinement(fill(arguments.displacements, {"refined": name}), refinement, made_by)
        seconds = Path(fill(arguments.seconds, {"refined": name}))
        write_json(seconds, kept(seconds, default=timing))


run(main)
