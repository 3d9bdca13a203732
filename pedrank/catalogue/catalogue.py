"""The catalogues: everything a study can name, as data.

`pedrank/datasets/catalogue.yaml` and `pedrank/checkpoints/catalogue.yaml` are shipped. A study can name a file of its
own (`catalogue` in its configuration, passed on in the environment variable PEDRANK_CATALOGUE) with two
optional parts, `datasets` and `checkpoints`: entries there are new, or change the fields they name of a shipped entry.
Paths in it are relative to the file. A user's own images, features and weights are entries there (docs/own-data.md).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pedrank.catalogue.architecture import code_of
from pedrank.formats.yaml_file import read_yaml
from pedrank.utils.errors import InputError
from pedrank.utils.paths import PACKAGE

KINDS = ("datasets", "checkpoints")
OWN_CARD = {"source": "the user's own", "licence": "not stated", "metric": "top-1"}
_PATHS = ("images", "features", "weights")  # fields of entries that name a file or a folder of the user's


def catalogue(kind: str) -> dict[str, dict[str, Any]]:
    """Entries by name; kind is datasets or checkpoints. `variant_of` is resolved: what an entry leaves out is taken
    from the entry it names.

    Raises InputError for a file of the study's own that is missing, or not of two parts.
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
            raise InputError(f"catalogue of {kind}, {name}: variant of '{base}', which no catalogue names")
        entries[name] = entries[base] | entry if base else entry
    return entries


def zoo(name: str) -> list[str]:
    """Names of the checkpoints of a zoo; "timm" is all whose architecture is timm's. InputError for an unknown one."""
    entries = catalogue("checkpoints")
    known = sorted({entry["zoo"] for entry in entries.values()} | {"timm"})
    if name not in known:
        raise InputError(f"--zoo: no zoo '{name}'; there are {', '.join(known)}")
    if name == "timm":
        return [each for each, entry in entries.items() if entry["architecture"].startswith("timm/")]
    return [each for each, entry in entries.items() if entry["zoo"] == name]


def _own(path: str) -> Mapping[str, Any]:
    if not path:
        return {}
    content = read_yaml(Path(path))
    if not set(content) <= set(KINDS) or not all(isinstance(part, dict) for part in content.values()):
        raise InputError(f"{path}: a catalogue has the parts {' and '.join(KINDS)}, each a mapping of entries")
    for part in content.values():
        for name, entry in part.items():
            if not isinstance(entry, dict):
                raise InputError(f"{path}: {name}: an entry is a mapping of fields to values")
    return content


def _resolved(entry: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The entry with its paths, which are relative to `folder`, as absolute ones."""
    entry = dict(entry)
    for field in _PATHS:
        if field in entry:
            entry[field] = str((folder / str(entry[field])).resolve())
    code = code_of(entry)
    if code:
        entry["architecture"] = f"{(folder / code[0]).resolve()}:{code[1]}"
    return entry


def _defaults(kind: str, name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """What need not be said of a user's own images and features."""
    if kind != "datasets" or not {"images", "features"} & set(entry):
        return {}
    return {"title": name, **OWN_CARD}


def files(entry: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The files that an entry is made from, by their names under results/downloads; none where a package carries it."""
    return entry.get("files", {})


def reader(dataset: str) -> str:
    """The module that reads a dataset: `listing` of downloaded and of a user's own ones, `read` of embedded ones."""
    card = catalogue("datasets")[dataset]
    if "images" in card:
        return "pedrank.user_data.images"
    folder = "readers" if files(card) else "embedded"
    return f"pedrank.datasets.{folder}.{card.get('reader', dataset).replace('-', '_')}"


def use_settings(config: Mapping[str, Any], schemas: Path) -> None:
    """Put `catalogue` and `mirror` of a study's configuration into the environment, which its jobs inherit.

    Raises InputError for a catalogue that does not follow its schema.
    """
    if "mirror" in config:
        os.environ["PEDRANK_MIRROR"] = config["mirror"]
    if "catalogue" in config:
        os.environ["PEDRANK_CATALOGUE"] = str(Path(config["catalogue"]).resolve())
        check_catalogues(schemas)


def check_catalogues(schemas: Path) -> None:
    """Raise InputError, naming entry and field, unless every entry follows {kind}.schema.yaml in `schemas`."""
    import jsonschema
    from referencing import Registry, Resource

    shared = Resource.from_contents(read_yaml(schemas / "files.schema.yaml"))
    registry = Registry().with_resource("files.schema.yaml", shared)
    for kind in KINDS:
        validator = jsonschema.Draft202012Validator(read_yaml(schemas / f"{kind}.schema.yaml"), registry=registry)
        for name, entry in catalogue(kind).items():
            error = jsonschema.exceptions.best_match(validator.iter_errors(entry))
            if error is not None:
                where = ".".join([name, *(str(part) for part in error.absolute_path)])
                raise InputError(f"catalogue of {kind}, {where}: {error.message}; see schemas/{kind}.schema.yaml")
