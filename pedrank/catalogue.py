"""The catalogues: everything a study can name, as data.

`pedrank/datasets/catalogue.yaml` and `pedrank/checkpoints/catalogue.yaml` are shipped. A study can name a file of its
own (`catalogue` in its configuration, passed on in the environment variable PEDRANK_CATALOGUE) with two
optional parts, `datasets` and `checkpoints`: entries there are new, or change the fields they name of a shipped entry.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from pedrank.errors import InputError

PACKAGE = Path(__file__).resolve().parent
KINDS = ("datasets", "checkpoints")


def catalogue(kind: str) -> dict[str, dict[str, Any]]:
    """Entries by name; kind is datasets or checkpoints. `variant_of` is resolved: what an entry leaves out is taken
    from the entry it names.

    Raises InputError for a file of the study's own that is missing, or not of two parts.
    """
    return _catalogue(kind, os.environ.get("PEDRANK_CATALOGUE", ""))


@cache
def _catalogue(kind: str, own: str) -> dict[str, dict[str, Any]]:
    entries = _read(PACKAGE / kind / "catalogue.yaml")
    for name, entry in (_own(own).get(kind) or {}).items():
        entries[name] = entries.get(name, {}) | entry
    for name, entry in entries.items():
        base = entry.get("variant_of")
        if base is not None and base not in entries:
            raise InputError(f"catalogue of {kind}, {name}: variant of '{base}', which no catalogue names")
        entries[name] = entries[base] | entry if base else entry
    return entries


def _own(path: str) -> Mapping[str, Any]:
    if not path:
        return {}
    content = _read(Path(path))
    if not set(content) <= set(KINDS) or not all(isinstance(part, dict) for part in content.values()):
        raise InputError(f"{path}: a catalogue has the parts {' and '.join(KINDS)}, each a mapping of entries")
    return content


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.load(path.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except FileNotFoundError:
        raise InputError(f"{path}: no such catalogue; correct `catalogue` in the configuration") from None
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not YAML ({str(error).splitlines()[0]})") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: a catalogue is a mapping of names to entries")
    return content


def files(entry: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The files that an entry is made from, by their names under results/downloads; none where a package carries it."""
    return entry.get("files", {})


def reader(dataset: str) -> str:
    """The name of the module of `pedrank.datasets` that reads a dataset."""
    return catalogue("datasets")[dataset].get("reader", dataset).replace("-", "_")


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

    shared = Resource.from_contents(_read(schemas / "files.schema.yaml"))
    registry = Registry().with_resource("files.schema.yaml", shared)
    for kind in KINDS:
        validator = jsonschema.Draft202012Validator(_read(schemas / f"{kind}.schema.yaml"), registry=registry)
        for name, entry in catalogue(kind).items():
            error = jsonschema.exceptions.best_match(validator.iter_errors(entry))
            if error is not None:
                where = ".".join([name, *(str(part) for part in error.absolute_path)])
                raise InputError(f"catalogue of {kind}, {where}: {error.message}; see schemas/{kind}.schema.yaml")
