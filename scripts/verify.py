"""Check every artefact against its seal; with --delete, delete damaged ones, so that the next run makes them again."""

import argparse
import shutil
import sys
from pathlib import Path

from pedrank.runtime.command import run
from pedrank.runtime.lock import alone
from pedrank.store.verify import damaged, delete
from pedrank.utils.errors import InputError


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "folders", nargs="*", default=[Path("results")], type=Path, help="folders to check (default: results)"
    )
    parser.add_argument(
        "--delete",
        action="store_true",
        help="delete damaged artefacts; refused while a workflow or its jobs run here",
    )
    arguments = parser.parse_args()
    if arguments.delete:
        _lock = alone(Path.cwd())
        shutil.rmtree(".snakemake/locks", ignore_errors=True)  # what `snakemake --unlock` does
    found = damaged(arguments.folders, known=None)
    for line in found.values():
        print(line, file=sys.stderr)
    if arguments.delete:
        for path in found:
            delete(path)
            print(f"deleted {path}")
    elif found:
        raise InputError(f"{len(found)} damaged artefacts; `make resume` deletes them and makes them again")
    print(f"{len(found)} damaged artefacts in {', '.join(map(str, arguments.folders))}")


run(main)
