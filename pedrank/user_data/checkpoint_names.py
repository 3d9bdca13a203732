"""Catalogue entries of the checkpoints that a user names on the command line: [NAME=]CHECKPOINT.

NAME                                     a checkpoint of the catalogue
timm:NAME, timm:NAME@random              a model of timm, with its pre-trained or with random weights
torchvision:NAME, …@WEIGHTS, …@random    a classifier of torchvision: with default, named or random weights
hub:OWNER/REPO:NAME, hub:FOLDER:NAME     an entry point of torch.hub; its code is run
FILE.pth=ARCHITECTURE                    a file of weights; ARCHITECTURE is tiny-resnet, resnet50, timm/NAME,
                                         torchvision/NAME, hub/… or CODE.py:FUNCTION
CODE.py:FUNCTION                         a function that returns a module: (N, 3, H, W) in, (N, D) out; it is run

Sources may be followed by ":" or "/" everywhere. A name without a source, such as resnet18, is torchvision's, or else
timm's, and a note says so. File names may contain "=": the longest text that names a file on disk is the file.
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pedrank.catalogue.architecture import code_of
from pedrank.catalogue.catalogue import catalogue
from pedrank.formats.weights_format import weights_format
from pedrank.user_data.slug import slug
from pedrank.utils.errors import InputError

_SOURCES = ("timm", "torchvision", "hub")
_WEIGHTS = (".pth", ".pt", ".bin", ".ckpt", ".tar", ".safetensors")
_OTHERS = (".h5", ".keras", ".onnx", ".gguf", ".index", ".json", ".msgpack", ".npz", ".pkl")  # refused, with a reason
_PLAIN = ("tiny-resnet", "resnet50")  # architectures of pedrank/networks/resnets.py
_FORMS = "Other forms: timm:NAME, torchvision:NAME, [NAME=]FILE=ARCHITECTURE, CODE.py:FUNCTION"
_HUB = re.compile(r"(hf[-_]hub:|hf://|https?://)(?P<rest>.*)")


def checkpoint_entry(word: str) -> tuple[str, dict[str, Any] | None]:
    """Return the name of a checkpoint, and its entry for `checkpoints` of a catalogue.

    Image size and normalisation of the entry are those of the network's own configuration.

    Args:
        word: The checkpoint as the user names it, in one of the forms above.

    Returns:
        Name and entry; the entry is None if a catalogue has the name.

    Raises:
        InputError: The name is unknown (the message suggests the nearest one), a file or function is missing, or a file
            has a format that is not read.

    >>> checkpoint_entry("byol")
    ('byol', None)
    """
    given, checkpoint = _split(word)
    name, entry = _read(checkpoint)
    if given is not None and entry is None:
        raise InputError(f"{word}: a checkpoint of the catalogue keeps its name; write '{checkpoint}'")
    return (name, None) if entry is None else (_free(given or name), entry)


def checkpoint_entries(words: Sequence[str]) -> dict[str, dict[str, Any] | None]:
    """Return the entries of several checkpoints by name, as `checkpoint_entry`.

    Files of one name in different folders get the names of their folders before their own, as far as necessary.

    Args:
        words: The checkpoints as the user names them.

    Returns:
        Entries by name, in the order of `words`; an entry is None if a catalogue has the name.

    Raises:
        InputError: As `checkpoint_entry`, or two checkpoints have the same name.

    >>> for folder in ("a", "b"):
    ...     Path(folder).mkdir()
    ...     _ = Path(folder, "best.pth").write_bytes(b"\\x80")
    >>> list(checkpoint_entries(["a/best.pth=resnet50", "b/best.pth=resnet50", "byol"]))
    ['a-best', 'b-best', 'byol']
    """
    found = [checkpoint_entry(word) for word in words]
    names = [name for name, _ in found]
    for name in {name for name in names if names.count(name) > 1}:
        same = [number for number, other in enumerate(names) if other == name]
        files = {number: _weights_of(found[number][1]) for number in same if _split(words[number])[0] is None}
        for depth in range(1, 9):
            longer = {number: _free(_name_of(file, depth)) for number, file in files.items() if file}
            if len(set(longer.values())) == len(longer):
                names = [longer.get(number, other) for number, other in enumerate(names)]
                break
    twice = [number for number, name in enumerate(names) if name in names[:number]]
    if twice:
        word = words[twice[0]]
        raise InputError(
            f"--checkpoints: the name '{names[twice[0]]}' occurs twice; leave one out, or give one another name, as in "
            f"other={word}"
        )
    return {name: entry for name, (_, entry) in zip(names, found, strict=True)}


def _split(word: str) -> tuple[str | None, str]:
    """The name that the user gives, if any, and the rest."""
    name, sign, rest = word.partition("=")
    if not sign or word in catalogue("checkpoints") or _file_in(word) or code_of({"architecture": word}):
        return None, word
    looks_like_file = "/" in name or Path(name).suffix.lower() in _WEIGHTS + _OTHERS
    return (None, word) if looks_like_file and not _file_in(rest) else (name, rest)


def _file_in(word: str) -> tuple[Path, str] | None:
    """The file at the beginning of a word, which may contain "=", and the architecture after it, empty if missing."""
    file, sign, architecture = word.rpartition("=")
    if sign and Path(file).exists():
        return Path(file), architecture
    return (Path(word), "") if Path(word).is_file() else None


def _read(word: str) -> tuple[str, dict[str, Any] | None]:
    """Name and entry of a checkpoint without a name that the user gives."""
    if word in catalogue("checkpoints"):
        return word, None
    hub = _HUB.match(word)
    if hub:
        known = re.fullmatch(r"timm/([\w.]+)", hub["rest"])
        remedy = f"write timm:{known[1]}" if known else "give its file of weights as FILE=ARCHITECTURE"
        raise InputError(f"{word}: pedrank fetches no checkpoints from this address; {remedy}")
    found = _file_in(word)
    if found and not found[1]:
        weights_format(found[0])
        raise InputError(f"{word}: the architecture of these weights is missing; add it, for example {word}=resnet50")
    if found or "=" in word:
        file, architecture = found or (Path(word.rpartition("=")[0]), word.rpartition("=")[2])
        weights_format(file)
        return _name_of(file), _entry(_architecture(architecture, file), weights=str(file.absolute()))
    code = code_of({"architecture": word})
    if code is not None:
        return code[1], _entry(f"{Path(code[0]).absolute()}:{code[1]}")
    return _of_network(word)


def _of_network(word: str) -> tuple[str, dict[str, Any]]:
    """A network that comes with its weights."""
    source, name = _source(word)
    if not source:
        source, name = _known_source(word)
        if source:
            print(f"note: '{word}' is read as {source}:{name}, with its default weights", file=sys.stderr)
    if source:
        network, _, weights = name.partition("@")
        pretrained: bool | str = {"": True, "random": False}.get(weights, weights)
        return f"{source}-{slug(name)}", _entry(f"{source}/{network}", pretrained=pretrained)
    if Path(word).suffix.lower() in _WEIGHTS + _OTHERS and not Path(f"{word}.index").exists():
        raise InputError(
            f"{word}: no such file of weights; correct the path, and add the architecture, for example {word}=resnet50"
        )
    if Path(word).is_dir() or Path(f"{word}.index").exists():
        weights_format(Path(word))
    meant = _meant(word, ":", catalogue("checkpoints"), "`pedrank zoo` lists all.")
    raise InputError(f"unknown checkpoint '{word}'; {meant} {_FORMS}")


def _architecture(word: str, file: Path) -> str:
    """The architecture of a file of weights, as catalogues write it."""
    code = code_of({"architecture": word})
    if code is not None:
        return f"{Path(code[0]).absolute()}:{code[1]}"
    if word.lower() in _PLAIN:
        return word.lower()
    source, name = _source(word)
    if source:
        return f"{source}/{name}"
    source, name = _known_source(word)
    if source:
        print(f"note: {file}: the architecture '{word}' is read as {source}/{name}", file=sys.stderr)
        return f"{source}/{name}"
    meant = _meant(word, "/", _PLAIN, f"choose from {', '.join(_PLAIN)}.")
    raise InputError(
        f"{file}: unknown architecture '{word}'; {meant} Other forms: timm/NAME, torchvision/NAME, CODE.py:FUNCTION"
    )


def _source(word: str) -> tuple[str, str]:
    """Source and name of SOURCE:NAME or SOURCE/NAME; two empty texts for other words."""
    found = re.fullmatch(rf"({'|'.join(_SOURCES)})[:/](.+)", word)
    if not found:
        return "", ""
    return found[1], found[2] if found[1] == "hub" else _lower(found[2])


def _lower(name: str) -> str:
    """A network's name in lower case, as timm and torchvision write it; the name of its weights stays as it is."""
    network, sign, weights = name.partition("@")
    return f"{network.lower()}{sign}{weights}"


def _known_source(word: str) -> tuple[str, str]:
    """Source and name of a network named without its source; two empty texts for other words."""
    name = _lower(word)
    for source, names in _networks().items():
        if re.split("[@.]", name)[0] in names and (source == "timm" or "." not in name):
            return source, name
    return "", ""


def _networks() -> dict[str, list[str]]:
    """Names of all networks, by source; of the sources that are installed."""
    import torchvision

    found = {"torchvision": torchvision.models.list_models(module=torchvision.models)}
    try:
        import timm

        found["timm"] = timm.list_models()
    except ImportError:
        pass
    return found


def _meant(word: str, mark: str, known: Iterable[str], otherwise: str) -> str:
    """Remedy for a misspelt name of `known` or of a network; names that differ only in case and signs come first."""

    def letters(name: str) -> str:
        return re.sub("[^a-z0-9]", "", name.lower())

    name = re.sub(r"^.*[:/]", "", word)
    networks = {network: f"{source}{mark}{network}" for source, names in _networks().items() for network in names}
    for network, full in networks.items():
        if letters(network) == letters(name):
            return f"did you mean '{full}'?"
    names = networks | {name: name for name in known}
    near = difflib.get_close_matches(name.lower(), names, n=1)
    return f"did you mean '{names[near[0]]}'?" if near else otherwise


def _name_of(file: Path, folders: int = 0) -> str:
    """A file's name without the suffixes of weights, after the names of some of the folders around it."""
    stem = file.name
    while Path(stem).suffix.lower() in _WEIGHTS:
        stem = Path(stem).stem
    around = file.absolute().parent.parts[-folders:] if folders else ()
    return slug("-".join([*around, stem]))


def _weights_of(entry: dict[str, Any] | None) -> Path | None:
    return Path(entry["weights"]) if entry and "weights" in entry else None


def _free(name: str) -> str:
    """The name as a slug, with a prefix if a catalogue has it already."""
    name = slug(name)
    return f"own-{name}" if name in catalogue("checkpoints") else name


def _entry(architecture: str, **fields: Any) -> dict[str, Any]:
    """The entry with the architecture's own preprocessing."""
    own: dict[str, Any] = {}
    if architecture not in _PLAIN:
        from pedrank.networks.build import preprocessing  # imports torch

        own = preprocessing(architecture, fields.get("pretrained", True))
        if own.get("resize") == own.get("image_size"):
            own.pop("resize", None)
    return {"zoo": "own", "architecture": architecture, **fields, **own}
