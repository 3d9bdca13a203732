"""A study's configuration: checked once, in one line per mistake, before anything runs."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import yaml

from pedrank.catalogue import catalogue
from pedrank.errors import InputError


def refinements(config: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The refinements that are scored, by name, with what `pedrank.refinements.move` asks; "none" is raw features."""
    options = {key: value for key, value in config["ped"].items() if key != "lambdas"}
    ped = {f"ped-{lam:g}": options | {"lam": lam} for lam in config["ped"]["lambdas"]}
    return {"none": {}} | ped | config.get("refinements", {})


def check_schema(config: Mapping[str, Any], schema: Path) -> None:
    """Raise InputError, naming key and remedy, unless `config` follows the JSON schema in the file `schema`."""
    import jsonschema

    validator = jsonschema.Draft202012Validator(yaml.safe_load(schema.read_text()))
    error = jsonschema.exceptions.best_match(validator.iter_errors(config))
    if error is None:
        return
    where = ".".join(str(part) for part in error.absolute_path) or "top level"
    if error.validator == "additionalProperties":
        known = error.schema["properties"]
        unknown = next(key for key in error.instance if key not in known)
        raise InputError(f"config, {where}: unknown key '{unknown}'; {_remedy(str(unknown), known)}")
    raise InputError(f"config, {where}: {error.message}; see schemas/config.schema.yaml")


def check_names(config: Mapping[str, Any], metrics: Collection[str], movers: Collection[str] = ("ped", "sa")) -> None:
    """Raise InputError unless every dataset, checkpoint, metric and refinement that `config` names exists."""
    known_datasets, known_checkpoints = catalogue("datasets"), catalogue("checkpoints")
    for name in config["datasets"]:
        _check("dataset", name, known_datasets)
    for name in config["checkpoints"]:
        _check("checkpoint", name, known_checkpoints)
    baselines = config.get("baselines", [])
    for name in [*config["metrics"], *baselines, *config["metric_options"]]:
        _check("metric", name, metrics)
    for name, options in config.get("refinements", {}).items():
        if name == "none" or name.startswith("ped-"):
            raise InputError(f"config, refinements: '{name}' is taken; call it otherwise")
        _check("refinement", options["by"], movers)
    twice = [name for name in baselines if name in config["metrics"]]
    if twice:
        raise InputError(f"config, baselines: '{twice[0]}' is among the metrics already; take it out of one of the two")
    if config["reference"]["source"] == "shipped":
        bare = [name for name in config["checkpoints"] if known_checkpoints[name]["zoo"] != "tiny"]
        if bare:
            raise InputError(f"config, reference: no statistics are shipped with '{bare[0]}'; set source: imagenet-val")
    figures, ped = config["figures"], [name for name in refinements(config) if name.startswith("ped-")]
    for what, name, known in [
        *(("ablation dataset", name, config["datasets"]) for name in config["ablation"]["datasets"]),
        *(("figure dataset", name, config["datasets"]) for name in figures["ranks"]["datasets"]),
        ("figure dataset", figures["tsne"]["dataset"], config["datasets"]),
        ("figure checkpoint", figures["tsne"]["checkpoint"], config["checkpoints"]),
        ("figure refinement", figures["tsne"]["refinement"], ped),  # it is shown step by step
        ("figure refinement", figures["ranks"]["refinement"], refinements(config)),
        ("figure metric", figures["ranks"]["metric"], config["metrics"]),
    ]:
        _check(what, name, known)


def _check(what: str, name: str, known: Collection[str]) -> None:
    if name not in known:
        raise InputError(f"config: unknown {what} '{name}'; {_remedy(name, known)}")


def _remedy(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean '{near[0]}'?" if near else f"choose from {', '.join(sorted(known))}"
