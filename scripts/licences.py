"""Write the table of docs/licences.md: the licence of each locked distribution, according to its metadata."""

import argparse
import re
from importlib import metadata
from pathlib import Path

from pedrank.runtime.command import run
from pedrank.store.artefacts import write_text

ROOT = Path(__file__).resolve().parent.parent
START = "| distribution | licence | installed by |\n|---|---|---|\n"


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    page = ROOT / "docs/licences.md"
    before = page.read_text(encoding="utf-8").split(START)[0]
    quickstart = names(ROOT / "requirements.lock")
    rows = [
        f"| {name} | {licence(name)} | `make {'quickstart' if name in quickstart else 'test'}` |\n"
        for name in sorted(quickstart | names(ROOT / "requirements-dev.lock"))
    ]
    write_text(page, before + START + "".join(rows))


def names(lock: Path) -> set[str]:
    """The names of the distributions in a lock."""
    return set(re.findall(r"^([a-z0-9][a-z0-9._-]*)==", lock.read_text(encoding="utf-8"), re.MULTILINE))


def licence(name: str) -> str:
    """A distribution's licence: an expression, else its classifiers, else a short text or the title of a file."""
    try:
        said = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return "not installed on this platform: see its page"
    classifiers = [value.split(" :: ")[-1] for value in said.get_all("Classifier") or [] if "License ::" in value]
    short = [
        text for text in [said.get("License") or "", *first_lines(name)] if 0 < len(text) < 60 and "\n" not in text
    ]
    named = [value for value in classifiers if value != "OSI Approved"]
    text = said.get("License-Expression") or ", ".join(named) or next(iter(short), "states none: see its page")
    return text.replace("|", "/")


def first_lines(name: str) -> list[str]:
    """The first line of each licence file of a distribution."""
    files = [file for file in metadata.files(name) or [] if re.search("licen[cs]e|copying", file.name, re.IGNORECASE)]
    return [
        file.read_text(encoding="utf-8").strip().split("\n")[0].strip(" #*")
        for file in files
        if ".dist-info" in str(file)
    ]


run(main)
