"""The catalogues: data about everything that a study can name.

`pedrank/catalogue/datasets.yaml` and `checkpoints.yaml` are shipped. A study can name a file of its own (`catalogue` in
its configuration; the environment variable PEDRANK_CATALOGUE passes it on) with two optional parts, `datasets` and
`checkpoints`. An entry there is new, or changes some fields of a shipped entry. Paths in it are relative to the file.
A user's own images, features and weights are such entries (docs/own-data.md).

How an entry becomes code:
- dataset: `datasets/prepare.py` loads the module that `reader` names, and calls its `listing` (embedded: `read`);
- checkpoint: `checkpoints/convert.py` loads the module of checkpoints/converters/ that `format` names;
- architecture: `networks/build.py` builds the network; padding and normalisation come from the entry;
- files: `fetch/download.py` fetches them, from the first of `urls` that has them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pedrank.catalogue.architecture import code_of
from pedrank.formats.yaml_file import read_yaml
from pedrank.utils.errors import InputError, nearest
from pedrank.utils.paths import PACKAGE

KINDS = ("datasets", "checkpoints")
OWN_CARD = {"source": "the user's own", "licence": "not stated", "metric": "top-1"}
_PATHS = ("images", "features", "weights")  # fields that name a file or a folder of the user's


def catalogue(kind: str) -> dict[str, dict[str, Any]]:
    """Return the entries of a catalogue by name, with `variant_of` resolved.

    An entry takes the fields that it leaves out from the entry that its `variant_of` names.

    Args:
        kind: "datasets" or "checkpoints".

    Raises:
        InputError: The study's own file is missing or not a catalogue, or a `variant_of` names no entry.

    >>> catalogue("datasets")["dtd"]["counts"]
    {'train': 1880, 'validation': 1880, 'test': 1880}
    """
    return _catalogue(kind, os.environ.get("PEDRANK_CATALOGUE", ""))


@cache
def _catalogue(kind: str, own: str) -> dict[str, dict[str, Any]]:
    entries = read_yaml(PACKAGE / "catalogue" / f"{kind}.yaml")
    for name, entry in (_own(own).get(kind) or {}).items():
        entries[name] = _defaults(kind, name, entry) | entries.get(name, {}) | _resolved(entry, Path(own).parent)
    for name, entry in entries.items():
        base = entry.get("variant_of")
        if base is not None and (not isinstance(base, str) or base not in entries):
            raise InputError(
                f"catalogue of {kind}, {name}: unknown name '{base}' in `variant_of`; {nearest(str(base), entries)}"
            )
        entries[name] = entries[base] | entry if base else entry
    return entries


def zoo(name: str) -> list[str]:
    """Names of the checkpoints of a zoo; "timm" means all whose architecture is timm's.

    Raises:
        InputError: The zoo is unknown.

    >>> zoo("vit")[0]
    'dino-vit-s16'
    """
    entries = catalogue("checkpoints")
    known = sorted({entry["zoo"] for entry in entries.values()} | {"timm"})
    if name not in known:
        raise InputError(f"--zoo: unknown zoo '{name}'; choose from {', '.join(known)}")
    if name == "timm":
        return [each for each, entry in entries.items() if entry["architecture"].startswith("timm/")]
    return [each for each, entry in entries.items() if entry["zoo"] == name]


def entries_of(path: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """Entries of a user's catalogue by kind and name, as written there, with absolute paths.

    Args:
        path: The catalogue.

    Raises:
        InputError: The file is missing, or not a catalogue.

    >>> _ = Path("mine.yaml").write_text("checkpoints: {mine: {zoo: own, architecture: timm/resnet18}}")
    >>> entries_of(Path("mine.yaml"))["checkpoints"]
    {'mine': {'zoo': 'own', 'architecture': 'timm/resnet18'}}
    """
    content = _own(str(path))
    folder = path.absolute().parent
    return {
        kind: {name: _resolved(entry, folder) for name, entry in (content.get(kind) or {}).items()} for kind in KINDS
    }


def _own(path: str) -> Mapping[str, Any]:
    if not path:
        return {}
    content = read_yaml(Path(path))
    if not set(content) <= set(KINDS) or not all(isinstance(part, dict) for part in content.values()):
        raise InputError(f"{path}: not a catalogue; its keys must be {' and '.join(KINDS)}, each a mapping of entries")
    for part in content.values():
        for name, entry in part.items():
            if not isinstance(entry, dict):
                raise InputError(f"{path}: {name}: not an entry; write a mapping of fields to values")
    return content


def _resolved(entry: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The entry with absolute paths; its own are relative to `folder`."""
    entry = dict(entry)
    for field in _PATHS:
        if field in entry:
            entry[field] = str((folder / str(entry[field])).resolve())
    code = code_of(entry)
    if code:
        entry["architecture"] = f"{(folder / code[0]).resolve()}:{code[1]}"
    return entry


def _defaults(kind: str, name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Default fields of a user's own images and features."""
    if kind != "datasets" or not {"images", "features"} & set(entry):
        return {}
    return {"title": name, **OWN_CARD}


def files(entry: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Files that an entry needs, by their names under results/downloads; empty for data that a package carries.

    >>> list(files(catalogue("datasets")["dtd"]))
    ['dtd-r1.0.1.tar.gz']
    """
    return entry.get("files", {})


def reader(dataset: str) -> str:
    """Name of the module that reads a dataset.

    Its function is `listing` for downloaded datasets and a user's own images, `read` for embedded datasets.

    >>> reader("cifar100")
    'pedrank.datasets.readers.cifar10'
    """
    card = catalogue("datasets")[dataset]
    if "images" in card:
        return "pedrank.user_data.images"
    folder = "readers" if files(card) else "embedded"
    return f"pedrank.datasets.{folder}.{card.get('reader', dataset).replace('-', '_')}"


def converter(checkpoint: str) -> str:
    """Name of the module that reads a checkpoint's weights.

    Its function is `backbone` for downloaded files, `weights_and_metadata` for the user's own files and networks.

    >>> converter("byol")
    'pedrank.checkpoints.converters.haiku'
    """
    entry = catalogue("checkpoints")[checkpoint]
    if not files(entry):
        return "pedrank.checkpoints.user_weights"
    return f"pedrank.checkpoints.converters.{entry['format']}"


def use_settings(config: Mapping[str, Any], schemas: Path) -> None:
    """Put `catalogue` and `mirror` of a study's configuration into the environment, which its jobs inherit.

    Args:
        config: The study's configuration.
        schemas: Folder of the schemas.

    Raises:
        InputError: The catalogue does not follow its schema.
    """
    if "mirror" in config:
        os.environ["PEDRANK_MIRROR"] = config["mirror"]
    if "catalogue" in config:
        os.environ["PEDRANK_CATALOGUE"] = str(Path(config["catalogue"]).resolve())
        check_catalogues(schemas)


def check_catalogues(schemas: Path) -> None:
    """Check every entry against its schema, {kind}.schema.yaml.

    Args:
        schemas: Folder of the schemas.

    Raises:
        InputError: An entry does not follow its schema; the message names entry and field.
    """
    import jsonschema
    from referencing import Registry, Resource

    shared = Resource.from_contents(read_yaml(schemas / "files.schema.yaml"))
    registry = Registry().with_resource("files.schema.yaml", shared)
    for name, entry in catalogue("checkpoints").items():
        if entry.get("zoo") == "tiny" and not (PACKAGE / f"checkpoints/tiny/{name}.safetensors").is_file():
            raise InputError(
                f"catalogue of checkpoints, {name}: the tiny zoo ships no weights of this name; set `weights` to a "
                "file and `zoo` to a name of yours"
            )
    for kind in KINDS:
        validator = jsonschema.Draft202012Validator(read_yaml(schemas / f"{kind}.schema.yaml"), registry=registry)
        for name, entry in catalogue(kind).items():
            error = jsonschema.exceptions.best_match(validator.iter_errors(entry))
            if error is not None:
                where = ".".join([name, *(str(part) for part in error.absolute_path)])
                both = "`pretrain` makes the weights, so leave out `weights` or `pretrain`"
                message = both if error.validator is None else error.message  # None: the schema's only `false`
                raise InputError(f"catalogue of {kind}, {where}: {message}; see schemas/{kind}.schema.yaml")
