"""Check artefacts against their seals; with --delete, delete damaged ones, so that the next run makes them again."""

import argparse
import shutil
import sys
from pathlib import Path

from pedrank.formats.yaml_file import read_yaml
from pedrank.runtime.arguments import add_config
from pedrank.runtime.command import run
from pedrank.runtime.lock import alone
from pedrank.store.integrity import remedy
from pedrank.store.verify import damaged, delete
from pedrank.utils.errors import InputError
from pedrank.utils.paths import ROOT


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "folders", nargs="*", type=Path, help="folders to check (default: the study's, or without a study, results)"
    )
    parser.add_argument("--profile", help="check the study of this profile only")
    add_config(parser)
    parser.add_argument(
        "--delete",
        action="store_true",
        help="delete damaged artefacts; refused while a workflow or its jobs run here",
    )
    arguments = parser.parse_args()
    of_study = _of_study(arguments.profile, arguments.config) if arguments.profile or arguments.config else []
    folders = arguments.folders or of_study or [Path("results")]
    if arguments.delete:
        _lock = alone(Path.cwd())
        shutil.rmtree(".snakemake/locks", ignore_errors=True)  # what `snakemake --unlock` does
    found = damaged(folders, known=None)
    for line in found.values():
        print(line, file=sys.stderr)
    if arguments.delete:
        for path in found:
            print(f"{'deleted' if delete(path) else 'kept'} {path}")
    elif found:
        raise InputError(f"{len(found)} damaged artefacts; for each: {remedy()}")
    print(f"{len(found)} damaged artefacts in {', '.join(map(str, folders))}")


def _of_study(profile: str | None, configs: list[Path]) -> list[Path]:
    """The folders of the study that `snakemake --workflow-profile PROFILE --configfile CONFIGS` would run."""
    settings = ROOT / f"profiles/{profile}/profile.yaml"
    named = read_yaml(settings).get("configfile") if settings.is_file() else None
    files = configs or ([settings.parent / named] if named else [])
    studies = [content["study"] for file in [ROOT / "config.yaml", *files] if "study" in (content := read_yaml(file))]
    return [Path("results", part) for part in ("data", "checkpoints", *studies[-1:])]


run(main)
