"""Published accuracies of weights, from the tables of `pedrank/published/`, by the names that users give checkpoints.

One set of weights has one key, whatever it is called: "timm:resnet50.a1_in1k", the slug "timm-resnet50.a1-in1k" and,
since these weights are timm's default, "timm:resnet50". timm's tags tv_in1k and tv2_in1k are torchvision's weights.
Weights in a file of the user's own have no key, since a name says nothing about them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from pedrank.catalogue.catalogue import catalogue, files
from pedrank.formats.csv_file import read_csv_rows
from pedrank.utils.paths import PUBLISHED

_SOURCES = ("timm", "torchvision")  # of networks that come with their weights
_LABORATORIES = {"sfda-cnn": "sfda", "sfda-vit": "sfda"}  # one protocol in both tables, and in accuracy.csv
_TAGS_OF_TORCHVISION = {".tv-in1k": "-imagenet1k-v1", ".tv2-in1k": "-imagenet1k-v2"}


def weights_key(checkpoint: str, entry: Mapping[str, Any] | None = None) -> str:
    """Return the key of a checkpoint's weights; an empty text if its name does not tell which weights it has.

    Args:
        checkpoint: A checkpoint of the catalogue, timm:NAME, torchvision:NAME, torchvision:NAME@WEIGHTS, or the slug of
            one of these.
        entry: Its entry in a catalogue, if it has one there under a name of the user's.

    >>> weights_key("timm:resnet50"), weights_key("torchvision:resnet50@IMAGENET1K_V1"), weights_key("byol-as-trained")
    ('timm-resnet50.a1-in1k', 'torchvision-resnet50-imagenet1k-v1', 'byol')
    >>> weights_key("timm:resnet50.tv_in1k"), weights_key("timm:resnet50@random")
    ('torchvision-resnet50-imagenet1k-v1', '')
    """
    shared = catalogue("checkpoints")
    entry = shared.get(checkpoint) if entry is None else entry
    if entry is None:
        return _network_key(_plain(checkpoint))
    if "weights" in entry:
        return ""
    if files(entry) or "pretrain" in entry:  # a variant prepares the images in another way; its weights are the same
        return next((name for name in shared if files(entry) and files(shared[name]) == files(entry)), checkpoint)
    chosen, network = entry.get("pretrained", True), str(entry.get("architecture", ""))
    return "" if chosen is False else _network_key(_plain(network if chosen is True else f"{network}@{chosen}"))


def imagenet_accuracy(checkpoint: str, entry: Mapping[str, Any] | None = None) -> float | None:
    """Return the published ImageNet top-1 accuracy of a checkpoint in percent; None if it is unknown.

    It is the accuracy of a linear classifier (`linear` in the catalogue) for self-supervised weights. For timm's it is
    the highest one over the image sizes that were tried.

    Args:
        checkpoint: The checkpoint, as for `weights_key`.
        entry: Its entry in a catalogue, as for `weights_key`.

    >>> imagenet_accuracy("byol"), imagenet_accuracy("torchvision:resnet50@IMAGENET1K_V1"), imagenet_accuracy("mine")
    (74.4, 76.13, None)
    """
    entry = catalogue("checkpoints").get(checkpoint) if entry is None else entry
    if entry is not None and "linear" in entry:
        return float(entry["linear"])
    key = weights_key(checkpoint, entry)
    return imagenet_accuracies().get(key) if key.startswith(_SOURCES) else None


@cache
def imagenet_accuracies() -> dict[str, float]:
    """Return the ImageNet top-1 accuracy (percent) of each key of torchvision's and timm's weights.

    torchvision's own number is taken for weights of torchvision that timm has evaluated again.
    """
    found: dict[str, float] = {}
    for row in _networks():
        if row["name"] == row["key"]:
            found[row["key"]] = max(found.get(row["key"], 0.0), float(row["imagenet_top1"]))
    return found


@cache
def finetuned_accuracies() -> tuple[dict[str, Any], ...]:
    """Return the published accuracies after full fine-tuning.

    Returns:
        Rows with laboratory (whose protocol it is), dataset, checkpoint (its key; where the source does not tell which
        weights it fine-tuned, the source's name after the study's) and accuracy (percent).
    """
    known = {(row["study"], row["checkpoint"]): weights_key(row["weights"]) for row in published_table("weights.csv")}
    supervised = [
        {
            "laboratory": _LABORATORIES.get(row["study"], row["study"]),
            "dataset": row["dataset"],
            "checkpoint": known.get((row["study"], row["checkpoint"]), f"{row['study']}/{row['checkpoint']}"),
            "accuracy": float(row["accuracy"]),
        }
        for row in published_table("accuracy-supervised.csv")
    ]
    self_supervised = [
        {"laboratory": "sfda", **{name: row[name] for name in ("dataset", "checkpoint")}}
        | {"accuracy": float(row["accuracy"])}
        for row in published_table("accuracy.csv")
        if row["regime"] == "full"
    ]
    return (*self_supervised, *supervised)


def _plain(name: str) -> str:
    """A name with its source as a slug: "torchvision-resnet50-imagenet1k-v1"."""
    return re.sub(r"[^a-z0-9.]+", "-", name.lower())


def _network_key(name: str) -> str:
    """The key of a network of timm or torchvision; an empty text for other names."""
    if not name.startswith(tuple(f"{source}-" for source in _SOURCES)) or name.endswith("-random"):
        return ""
    return _aliases().get(name, name)


@cache
def _aliases() -> dict[str, str]:
    """Keys by the other names of their weights."""
    rows = _networks()
    same = {row["name"]: row["key"] for row in rows}
    return same | {row["network"]: row["key"] for row in rows if row["default"] == "yes"}


@cache
def _networks() -> tuple[dict[str, str], ...]:
    """The rows of both tables of networks, with network, name (of its weights) and key, as slugs."""
    torchvision = [
        row | {"network": f"torchvision-{row['model']}", "name": f"torchvision-{row['model']}-{row['weights']}"}
        for row in published_table("torchvision-imagenet.csv")
    ]
    timm = [
        row | {"network": f"timm-{row['model'].split('.')[0]}", "name": f"timm-{row['model']}"}
        for row in published_table("timm-imagenet.csv")
    ]
    known = {_plain(row["name"]) for row in torchvision}
    return tuple(
        row | {"network": _plain(row["network"]), "name": name, "key": _key(name, known)}
        for row in [*torchvision, *timm]
        for name in [_plain(row["name"])]
    )


def _key(name: str, torchvision: set[str]) -> str:
    """torchvision's name of weights that timm has taken over from it; else the name itself."""
    for tag, weights in _TAGS_OF_TORCHVISION.items():
        other = f"torchvision-{name.removeprefix('timm-').removesuffix(tag)}{weights}"
        if name.endswith(tag) and other in torchvision:
            return other
    return name


def published_table(name: str) -> list[dict[str, str]]:
    """Return the rows of a table of `pedrank/published/`, as text by column.

    >>> published_table("timm-licences.csv")[0]
    {'model': 'bat_resnext26ts.ch_in1k', 'licence': 'Apache-2.0'}
    """
    path = PUBLISHED / name
    with open(path, encoding="utf-8") as file:
        columns = file.readline().strip().split(",")
    return [dict(row.cells) for row in read_csv_rows(path, dict.fromkeys(columns, ()))]
