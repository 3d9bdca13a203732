"""Write and run a study in a folder of its own, without a clone.

pedrank study init mine                     a study on data that is shipped with pedrank; edit mine/config.yaml
pedrank study init mine --from paper        the same of the paper's study, which downloads data
pedrank study run mine                      run it, or continue it; results are in mine/results
pedrank study run mine -- --cores 2 -n      options of Snakemake follow --
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from pedrank.cli.study_folder import STARTS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the two commands of `pedrank study` to its parser."""
    actions = parser.add_subparsers(metavar="init | run", dest="action", required=True)
    init = actions.add_parser("init", help="write a folder with a study to edit")
    init.add_argument("folder", type=Path, metavar="DIR", help="a new folder")
    init.add_argument(
        "--from",
        dest="start",
        choices=list(STARTS),
        default="quickstart",
        help="the study that it starts with (default: %(default)s)",
    )
    run = actions.add_parser("run", help="run the study of a folder with Snakemake")
    run.add_argument("folder", type=Path, metavar="DIR", help="a folder that `pedrank study init` has written")
    run.add_argument("options", nargs="*", metavar="-- OPTION", help="options of Snakemake; its paths start at DIR")


def run(arguments: argparse.Namespace) -> int:
    """Write a folder, or become the Snakemake that runs it."""
    from pedrank.cli.study_folder import write_folder
    from pedrank.cli.workflow import check_packages, environment
    from pedrank.utils.errors import InputError

    folder = arguments.folder
    if arguments.action == "init":
        write_folder(folder, arguments.start)
        print(f"{folder}/config.yaml is the study. Run it with: pedrank study run {folder}")
        return 0
    if not (folder / "Snakefile").is_file():
        raise InputError(f"{folder}: no study, since it has no Snakefile; write one with: pedrank study init {folder}")
    check_packages()
    settings = environment(folder.resolve())
    os.chdir(folder)
    command = [sys.executable, "-m", "snakemake", "--cores", "all", *arguments.options]
    os.execve(sys.executable, command, settings)  # signals and the exit code are Snakemake's
