"""The files that a study downloads, each with size, licence, source and state; nothing is downloaded here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pedrank.catalogue.catalogue import catalogue, files
from pedrank.datasets.size import counts
from pedrank.utils.columns import align

PRETRAINED_ON = "cifar10"  # by the rule `pretrain`


def wanted(config: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Kind and name of every catalogue entry that a study needs, including images of reference and of pre-training."""
    reference = config["reference"]["source"]
    datasets = [*config["datasets"], *([reference] if reference in catalogue("datasets") else [])]
    recipes = [entry for name, entry in catalogue("checkpoints").items() if name in config["checkpoints"]]
    if any("pretrain" in entry and entry["zoo"] != "tiny" for entry in recipes):
        datasets.append(PRETRAINED_ON)
    return [("datasets", name) for name in datasets] + [("checkpoints", name) for name in config["checkpoints"]]


def fetch_rows(config: Mapping[str, Any], downloads: Path) -> list[dict[str, Any]]:
    """One row per file: entry, file, megabytes (approximate), licence, source, state and note.

    Args:
        config: A study's configuration, checked.
        downloads: Folder of the fetched files.
    """
    found = {}
    for kind, name in wanted(config):
        entry = catalogue(kind)[name]
        for file, card in files(entry).items():
            here, urls = (downloads / file).exists(), card.get("urls", [])
            package = f"PyPI: {card['pypi']['package']}" if "pypi" in card else ""
            found[file] = {
                "entry": name,
                "file": file,
                "megabytes": card.get("megabytes"),
                "licence": entry.get("licence", "not stated"),
                "source": _hosts(urls) or package or "see below",
                "state": "here" if here else "to fetch" if urls or package else "BY HAND",
                "note": card.get("note", ""),
            }
    return list(found.values())


def prepared_gigabytes(config: Mapping[str, Any]) -> float:
    """Size on disk of the decoded images in GB, at three bytes per pixel."""
    images = 0
    for kind, name in wanted(config):
        if kind == "datasets":
            images += sum(count for count in counts(catalogue(kind)[name]).values() if isinstance(count, int))
    return images * 3 * config["image_size"] ** 2 / 1e9


def fetch_table(config: Mapping[str, Any], downloads: Path) -> str:
    """The rows as text, with totals.

    Args:
        config: A study's configuration, checked.
        downloads: Folder of the fetched files.
    """
    listed = fetch_rows(config, downloads)
    columns = ("entry", "file", "megabytes", "licence", "source", "state")
    cells = [columns, *([f"{row[name] if row[name] is not None else '?'}" for name in columns] for row in listed)]
    text = align(cells)
    missing = [row for row in listed if row["state"] != "here"]
    text += [f"\n{downloads / row['file']}: {row['note']}" for row in missing if row["state"] == "BY HAND"]
    megabytes = sum(row["megabytes"] or 0 for row in missing)
    text.append(
        f"\n{len(listed)} files, {len(missing)} of them still to fetch: about {megabytes / 1e3:.1f} GB in {downloads}; "
        f"decoded images take {prepared_gigabytes(config):.1f} GB more"
    )
    return "\n".join(text)


def _hosts(urls: Iterable[str | list[str]]) -> str:
    addresses = [url if isinstance(url, str) else url[0] for url in urls]
    return ", ".join(dict.fromkeys(urlsplit(address).netloc for address in addresses))
