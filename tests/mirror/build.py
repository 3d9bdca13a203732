"""Everything the paper's study fetches, as stand-ins, and the catalogue by which they are known."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from mirror import checkpoints, datasets
from pedrank.catalogue.catalogue import catalogue, files


def build(folder: Path, names: Iterable[str]) -> dict[str, Path]:
    """Write stand-ins of all datasets and of the checkpoints `names`, and `catalogue.yaml` with their counts and
    checksums.

    Every checkpoint has weights of its own, `weights(name)`. Returns the file behind each address.
    """
    folder.mkdir(parents=True, exist_ok=True)
    entries: dict[str, dict[str, Any]] = {"datasets": {}, "checkpoints": {}}
    for name, maker in datasets.MAKERS.items():
        entries["datasets"][name] = maker(folder)
    network = checkpoints.backbone(0).state_dict()
    for number, name in enumerate(names):
        entries["checkpoints"][name] = {}
        checkpoints.write(name, weights(network, number), folder / checkpoints.file_of(name))
    addresses: dict[str, Path] = {}
    for kind, part in entries.items():
        for name, entry in part.items():
            entry["files"] = {}
            for file, card in files(catalogue(kind)[name]).items():
                entry["files"][file] = _with_checksums(card, folder / file)
                for source in card.get("urls", []):
                    addresses |= {source: folder / file} if isinstance(source, str) else _pieces(source, folder / file)
    (folder / "catalogue.yaml").write_text(yaml.safe_dump(entries))
    return addresses


def weights(network: checkpoints.Weights, number: int) -> checkpoints.Weights:
    """Those of `network` with another stem."""
    return network | {"conv1.weight": network["conv1.weight"] * (1 + number / 8)}


def _with_checksums(card: dict[str, Any], path: Path) -> dict[str, Any]:
    """The card of a file with the stand-in's checksums where the original's are known, as long as they are there."""
    content, known = path.read_bytes(), {}
    for kind in ("md5", "sha256"):
        if kind in card:  # a text, of which only the beginning may be known, or a list of texts
            digits = card[kind] if isinstance(card[kind], str) else card[kind][0]
            known[kind] = hashlib.new(kind, content).hexdigest()[: len(digits)]
    return card | known


def _pieces(urls: list[str], path: Path) -> dict[str, Path]:
    """The members of a stand-in whose original is several files as well, or nothing else."""
    pieces = {}
    with zipfile.ZipFile(path) as archive:
        for url in urls:
            pieces[url] = path.with_name(url.rsplit("/", 1)[1])
            member = next(name for name in archive.namelist() if name.split("/")[-1] == pieces[url].name)
            pieces[url].write_bytes(archive.read(member))
    return pieces
