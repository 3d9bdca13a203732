"""Costs of checkpoints: parameters, multiply-accumulates, images per second and licence, from published tables.

Parameters and GMACs (10^9 multiply-accumulates per image) include the classifier of ImageNet's 1,000 classes. Images
per second are timm's benchmark on one card (docs/choose.md), so only their ratios carry over to other machines. They
and the GMACs hold for one image size: the checkpoint's own. Licences are those that the catalogue or timm states.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from pedrank.catalogue.catalogue import catalogue
from pedrank.ranking.known_weights import published_table, weights_key

if TYPE_CHECKING:
    import pandas as pd

COST_TABLES = ("timm-imagenet.csv", "timm-licences.csv", "torchvision-imagenet.csv")
NUMBERS = ("params_millions", "gmacs", "images_per_second")
_RESNET50 = {"architecture": "timm/resnet50", "image_size": 224}  # the same network as the catalogue's resnet50


def costs(checkpoints: Mapping[str, Mapping[str, Any] | None]) -> pd.DataFrame:
    """Return what is known of the costs of checkpoints.

    Args:
        checkpoints: Names, with entries of a catalogue; None for names that speak for themselves, as for
            `pedrank.ranking.known_weights.weights_key`.

    Returns:
        Table (n, 4) with the names as index: params_millions, gmacs (per image), images_per_second (of the
        benchmark), NaN where unknown; licence, None where unknown.

    >>> costs({"byol": None}).to_dict("records")
    [{'params_millions': 25.56, 'gmacs': 4.11, 'images_per_second': 6459.19, 'licence': 'CC-BY-NC-4.0'}]
    """
    import pandas as pd

    entries = {name: _named(name) if entry is None else entry for name, entry in checkpoints.items()}
    rows = {name: cost(name, entry) for name, entry in entries.items()}
    table = pd.DataFrame(rows.values(), list(rows), [*NUMBERS], dtype=float)
    return table.assign(licence=pd.Series({name: row["licence"] for name, row in rows.items()}, dtype=object))


def cost(name: str, entry: Mapping[str, Any]) -> dict[str, float | str | None]:
    """Return the costs of one checkpoint, as `costs`; None where a number or the licence is unknown.

    Args:
        name: The checkpoint's name.
        entry: Its entry in a catalogue.
    """
    return {**dict(zip(NUMBERS, _numbers(entry), strict=True)), "licence": licence(name, entry)}


def licence(name: str, entry: Mapping[str, Any]) -> str | None:
    """Return the licence of a checkpoint's weights; None if none is stated, or if they are the user's or random.

    Args:
        name: The checkpoint's name.
        entry: Its entry in a catalogue.

    >>> [licence("mine", {"architecture": name}) for name in ("timm/resnet50.a1_in1k", "torchvision/vgg16")]
    ['Apache-2.0', None]
    """
    if "licence" in entry or entry.get("zoo") == "tiny":
        return str(entry.get("licence", "MIT"))
    of_timm = str(entry.get("architecture", "")).startswith("timm/")
    found = _licences().get(weights_key(name, entry)) if of_timm else None
    return None if found == "unknown" else found


def timm_checkpoints() -> dict[str, dict[str, Any]]:
    """Return the weights of timm whose ImageNet accuracy is published, as entries by timm:NAME.TAG.

    >>> len(timm_checkpoints()), timm_checkpoints()["timm:resnet50.a1_in1k"]
    (1266, {'zoo': 'own', 'architecture': 'timm/resnet50.a1_in1k', 'pretrained': True})
    """
    return {f"timm:{model}": _entry(f"timm/{model}", True) for model in _sizes()}


def torchvision_checkpoints() -> dict[str, dict[str, Any]]:
    """Return the weights of torchvision's classifiers, as entries by torchvision:NAME@WEIGHTS."""
    rows = published_table("torchvision-imagenet.csv")
    return {
        f"torchvision:{row['model']}@{row['weights']}": _entry(f"torchvision/{row['model']}", row["weights"])
        for row in rows
    }


def _named(name: str) -> Mapping[str, Any]:
    """The entry of a name that speaks for itself; an empty one if it does not."""
    source, _, network = name.partition(":")
    if name in catalogue("checkpoints"):
        return catalogue("checkpoints")[name]
    network, _, weights = network.partition("@")
    return _entry(f"{source}/{network}", weights != "random") if source in ("timm", "torchvision") else {}


def _entry(architecture: str, pretrained: bool | str) -> dict[str, Any]:
    return {"zoo": "own", "architecture": architecture, "pretrained": pretrained}


def _numbers(entry: Mapping[str, Any]) -> list[float | None]:
    """Parameters, GMACs and images per second of an entry's network at its image size."""
    entry = (
        {**_RESNET50, **entry, "architecture": "timm/resnet50"} if entry.get("architecture") == "resnet50" else entry
    )
    source, _, name = str(entry.get("architecture", "")).partition("/")
    if source == "torchvision":
        return [_torchvision_parameters().get(name), None, None]
    network = name.partition(".")[0]
    if source != "timm" or network not in _benchmark():
        return [None, None, None]
    of_sizes = _benchmark()[network]
    size = entry.get("image_size") or _sizes().get(name) or min(of_sizes)
    return of_sizes.get(size, [next(iter(of_sizes.values()))[0], None, None])


@cache
def _benchmark() -> dict[str, dict[int, list[float | None]]]:
    """The numbers of each network of timm, by image size; all weights of a network share them."""
    found: dict[str, dict[int, list[float | None]]] = {}
    for row in published_table("timm-imagenet.csv"):
        sizes = found.setdefault(row["model"].split(".")[0], {})
        sizes[int(row["img_size"])] = [float(row[name]) for name in NUMBERS]
    return found


@cache
def _sizes() -> dict[str, int]:
    """The image size that timm's configuration of each of its weights names: the smallest that was evaluated."""
    found: dict[str, int] = {}
    for row in published_table("timm-imagenet.csv"):
        found[row["model"]] = min(int(row["img_size"]), found.get(row["model"], int(row["img_size"])))
    return found


@cache
def _torchvision_parameters() -> dict[str, float]:
    return {row["model"]: float(row["params_millions"]) for row in published_table("torchvision-imagenet.csv")}


@cache
def _licences() -> dict[str, str]:
    """Licences of timm's weights by their key, as timm states them."""
    return {weights_key(f"timm:{row['model']}"): row["licence"] for row in published_table("timm-licences.csv")}
