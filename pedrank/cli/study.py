"""Write and run a study in a folder of its own, without a clone.

pedrank study init mine                     a study on data that is shipped with pedrank; edit mine/config.yaml
pedrank study init mine --from paper        the same of the paper's study, which downloads data
pedrank study run mine                      run it, or continue it; results are in mine/results
pedrank study run mine -- --cores 2 -n      options of Snakemake follow --
pedrank study resume mine                   the same after a crash: damaged files are deleted, named and made again
pedrank study fetch-list mine               its downloads: sizes, sources, licences
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from pedrank.cli.study_folder import STARTS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the two commands of `pedrank study` to its parser."""
    actions = parser.add_subparsers(metavar="init | run | resume | fetch-list", dest="action", required=True)
    init = actions.add_parser("init", help="write a folder with a study to edit")
    init.add_argument("folder", type=Path, metavar="DIR", help="a new folder")
    init.add_argument(
        "--from",
        dest="start",
        choices=list(STARTS),
        default="quickstart",
        help="the study that it starts with (default: %(default)s)",
    )
    of_folder = {
        "run": "run the study of a folder with Snakemake",
        "resume": "delete and name damaged files of a study, and continue it",
        "fetch-list": "list the files that a study downloads",
    }
    for name, what in of_folder.items():
        action = actions.add_parser(name, help=what)
        action.add_argument("folder", type=Path, metavar="DIR", help="a folder that `pedrank study init` has written")
        if name != "fetch-list":
            action.add_argument(
                "options", nargs="*", metavar="-- OPTION", help="options of Snakemake; its paths start at DIR"
            )


def run(arguments: argparse.Namespace) -> int:
    """Write a folder, or become the process that runs or lists its study."""
    from pedrank.cli.study_folder import write_folder
    from pedrank.cli.workflow import check_packages, environment
    from pedrank.utils.errors import InputError
    from pedrank.utils.paths import ROOT

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

    def script(name: str, *options: str) -> list[str]:
        return [sys.executable, str(ROOT / f"scripts/{name}.py"), "--config", "config.yaml", *options]

    command = script("fetch_list")
    if arguments.action != "fetch-list":
        command = [sys.executable, "-m", "snakemake", "--cores", "all", *arguments.options]
    if arguments.action == "resume":
        done = subprocess.run(script("verify", "--delete"), env=settings)
        if done.returncode:
            return done.returncode  # it has said why
    os.execve(sys.executable, command, settings)  # signals and the exit code are those of the command
