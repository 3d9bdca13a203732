"""Catalogue entries of the checkpoints that a user names on the command line.

NAME                                     a checkpoint of the catalogue
timm:NAME, timm:NAME@random              a model of timm, with its pre-trained or with random weights
torchvision:NAME, …@WEIGHTS, …@random    a classifier of torchvision: with default, named or random weights
hub:OWNER/REPO:NAME, hub:FOLDER:NAME     an entry point of torch.hub; its code is run
FILE.pth=ARCHITECTURE                    a file of weights; ARCHITECTURE is tiny-resnet, resnet50, timm/NAME,
                                         torchvision/NAME, hub/… or CODE.py:FUNCTION
CODE.py:FUNCTION                         a function that returns a module: (N, 3, H, W) in, (N, D) out; it is run
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pedrank.catalogue.architecture import code_of
from pedrank.catalogue.catalogue import catalogue
from pedrank.user_data.slug import slug
from pedrank.utils.errors import InputError, nearest

_SOURCES = ("timm", "torchvision", "hub")
_WEIGHTS = (".pth", ".pt", ".bin", ".ckpt", ".tar", ".safetensors")
_PLAIN = ("tiny-resnet", "resnet50")  # architectures of pedrank/networks/resnets.py


def checkpoint_entry(word: str) -> tuple[str, dict[str, Any] | None]:
    """Return the name of a checkpoint, and its entry for `checkpoints` of a catalogue.

    Image size and normalisation of the entry are those of the network's own configuration.

    Args:
        word: The checkpoint as the user names it, in one of the forms above.

    Returns:
        Name and entry; the entry is None if a catalogue has the name.

    Raises:
        InputError: The name is unknown (the message suggests the nearest one), or a file or function is missing.

    >>> checkpoint_entry("byol")
    ('byol', None)
    """
    if word in catalogue("checkpoints"):
        return word, None
    file, sign, architecture = word.rpartition("=")
    if sign:
        return _of_file(Path(file), architecture)
    source, sign, rest = word.partition(":")
    if sign and source in _SOURCES:
        name, _, weights = rest.partition("@")
        pretrained: bool | str = {"": True, "random": False}.get(weights, weights)
        return _entry(f"{source}-{slug(rest)}", f"{source}/{name}", pretrained=pretrained)
    code = code_of({"architecture": word})
    if code is not None:
        return _entry(code[1], f"{Path(code[0]).absolute()}:{code[1]}")
    if Path(word).suffix in _WEIGHTS:
        raise InputError(f"{word}: the architecture of these weights is missing; add it, for example {word}=resnet50")
    meant = nearest(word, catalogue("checkpoints"), "`pedrank zoo` lists all.")
    raise InputError(
        f"unknown checkpoint '{word}'; {meant} Other forms: timm:NAME, FILE.pth=ARCHITECTURE, CODE.py:FUNCTION"
    )


def _of_file(path: Path, architecture: str) -> tuple[str, dict[str, Any]]:
    if not path.is_file():
        raise InputError(f"{path}: no such file of weights; correct the path before '='")
    code = code_of({"architecture": architecture})
    if code is not None:
        architecture = f"{Path(code[0]).absolute()}:{code[1]}"
    elif architecture not in _PLAIN and not architecture.startswith(tuple(f"{source}/" for source in _SOURCES)):
        meant = nearest(architecture, _PLAIN, f"choose from {', '.join(_PLAIN)}.")
        raise InputError(
            f"{path}: unknown architecture '{architecture}'; {meant} Other forms: timm/NAME, CODE.py:FUNCTION"
        )
    return _entry(path.stem, architecture, weights=str(path.absolute()))


def _entry(name: str, architecture: str, **fields: Any) -> tuple[str, dict[str, Any]]:
    """The entry with the architecture's own preprocessing; its name gets a prefix if the catalogue has it already."""
    name = slug(name)
    if name in catalogue("checkpoints"):
        name = f"own-{name}"
    own: dict[str, Any] = {}
    if architecture not in _PLAIN:
        from pedrank.networks.build import preprocessing  # imports torch

        own = preprocessing(architecture, fields.get("pretrained", True))
        if own.get("resize") == own.get("image_size"):
            own.pop("resize", None)
    return name, {"zoo": "own", "architecture": architecture, **fields, **own}
