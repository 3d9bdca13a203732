"""What a user writes for a checkpoint, as an entry of the catalogue.

NAME                                     of a catalogue
timm:NAME, timm:NAME@random              a model of timm, with its weights or without
torchvision:NAME, …@WEIGHTS, …@random    a classifier of torchvision: its default weights, others, none
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
_PLAIN = ("tiny-resnet", "resnet50")  # architectures of our own


def checkpoint_entry(word: str) -> tuple[str, dict[str, Any] | None]:
    """The name of a checkpoint, and its entry for `checkpoints` of a catalogue; None for a name that is in one.

    Images and normalisation are what the network's own configuration says. Raises InputError for a name that nothing
    has, naming the nearest, and for a file or a function that is not there.
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
        raise InputError(f"{word}: say of which architecture these weights are, as in {word}=resnet50")
    meant = nearest(word, catalogue("checkpoints"), "`pedrank zoo` lists them")
    raise InputError(f"no checkpoint '{word}'; {meant} Others are timm:NAME, FILE.pth=ARCHITECTURE, CODE.py:FUNCTION")


def _of_file(path: Path, architecture: str) -> tuple[str, dict[str, Any]]:
    if not path.is_file():
        raise InputError(f"{path}: no such file of weights; correct the path before '='")
    code = code_of({"architecture": architecture})
    if code is not None:
        architecture = f"{Path(code[0]).absolute()}:{code[1]}"
    elif architecture not in _PLAIN and not architecture.startswith(tuple(f"{source}/" for source in _SOURCES)):
        meant = nearest(architecture, _PLAIN, f"choose from {', '.join(_PLAIN)}")
        raise InputError(f"{path}: no architecture '{architecture}'; {meant} Others are timm/NAME, CODE.py:FUNCTION")
    return _entry(path.stem, architecture, weights=str(path.absolute()))


def _entry(name: str, architecture: str, **fields: Any) -> tuple[str, dict[str, Any]]:
    """With the preprocessing that the architecture's configuration names; a name that a catalogue has is changed."""
    name = slug(name)
    if name in catalogue("checkpoints"):
        name = f"own-{name}"
    said = {}
    if architecture not in _PLAIN:
        from pedrank.networks.build import preprocessing  # imports torch

        said = preprocessing(architecture, fields.get("pretrained", True))
        if said.get("resize") == said.get("image_size"):
            said.pop("resize", None)
    return name, {"zoo": "own", "architecture": architecture, **fields, **said}
