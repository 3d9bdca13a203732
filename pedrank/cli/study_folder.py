"""The folder of a study without a clone: what `pedrank study init` writes, for its owner to edit."""

from __future__ import annotations

import re
from pathlib import Path

from pedrank.utils.errors import InputError
from pedrank.utils.paths import ROOT
from pedrank.utils.version import VERSION

# The shipped configuration and profile that a folder starts with.
STARTS = {
    "quickstart": ("studies/quickstart.yaml", "quickstart"),
    "paper": ("config.yaml", "default"),
    "example": ("studies/example.yaml", "quickstart"),
}
_SNAKEFILE = """\
# The workflow of the installed pedrank, with this folder's configuration.
from pedrank.utils.paths import ROOT


configfile: str(ROOT / "config.yaml")  # the values of keys that the next file leaves out
configfile: "config.yaml"


module pedrank:
    snakefile:
        str(ROOT / "Snakefile")
    config:
        config


use rule * from pedrank


onstart:
    pedrank.begin()


onsuccess:
    pedrank.end()
"""
_CATALOGUE = """\
# Your own datasets and checkpoints. Name them in config.yaml. For example:
#
#   datasets:
#     birds: {images: photos/birds} # a folder with one folder of images per class
#   checkpoints:
#     mine: {zoo: own, architecture: resnet50, weights: mine.pth}
datasets: {}
checkpoints: {}
"""
_README = """\
# A study of pedrank

    pedrank study run .        # or, in this folder: snakemake --cores all
    pedrank study run . -- -n  # list the jobs; everything after -- is an option of Snakemake
    pedrank study resume .     # after a crash: delete and name damaged files, and continue
    pedrank study fetch-list . # files to download, sizes, licences

`results/{study}/report.html` shows the results. A repeated command continues a killed run, and makes again only what
an edit affects.

| file | content |
|---|---|
| `config.yaml` | the study: datasets, checkpoints, metrics |
| `catalogue.yaml` | your own datasets and checkpoints |
| `profiles/default/profile.yaml` | options of Snakemake: cores, GPUs, threads of each rule |
| `Snakefile` | takes all rules from the installed pedrank; add rules of your own below them |

Written by pedrank {version} from its study `{start}`.
"""


def write_folder(folder: Path, start: str) -> None:
    """Write a study that its owner can edit and run.

    Args:
        folder: A folder that does not exist, or is empty.
        start: The shipped study to start with, a key of `STARTS`.

    Raises:
        InputError: The folder has files, or cannot be written.
    """
    shipped, profile = STARTS[start]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise InputError(f"{folder}: not empty; give a new folder")
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}; give another folder") from None
    study, config = _config((ROOT / shipped).read_text(encoding="utf-8"), start)
    files = {
        "config.yaml": config,
        "catalogue.yaml": _CATALOGUE,
        "Snakefile": _SNAKEFILE,
        "README.md": _README.format(study=study, version=VERSION, start=start),
        "profiles/default/profile.yaml": _profile((ROOT / f"profiles/{profile}/profile.yaml").read_text("utf-8")),
    }
    for file, text in files.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text, encoding="utf-8")  # not sealed: its owner edits it


def _config(shipped: str, start: str) -> tuple[str, str]:
    """The study's name, and a shipped configuration with a catalogue.

    The first lines, which name the command for a clone, are left out.
    """
    _, first, rest = re.split(r"^(study: .*\n)", shipped, maxsplit=1, flags=re.MULTILINE)
    head = f"# A study that starts as pedrank's `{start}`. Keys that are left out have the values of `paper`.\n\n"
    return first.split()[1], f"{head}{first}catalogue: catalogue.yaml\n{rest}"


def _profile(shipped: str) -> str:
    """A shipped profile without its first line, which names the profile, and its study."""
    lines = [line for line in shipped.splitlines(keepends=True)[1:] if not line.startswith("configfile:")]
    return "# Options of Snakemake, which it reads by itself in this folder.\n" + "".join(lines)
