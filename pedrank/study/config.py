"""A study's configuration: checked once, in one line per mistake, before anything runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from pedrank.catalogue.catalogue import catalogue, use_settings
from pedrank.formats.yaml_file import check_values, read_yaml
from pedrank.study.names import refinements
from pedrank.utils.errors import InputError, nearest
from pedrank.utils.options import accepted, check_options


def read_config(root: Path, *files: Path) -> dict[str, Any]:
    """The configuration that Snakemake would make of `root`/config.yaml and a study's own files, checked.

    Raises InputError for a file that is missing or not YAML, and for what `check_schema` refuses.
    """
    from snakemake.utils import update_config

    config: dict[str, Any] = {}
    for path in [root / "config.yaml", *files]:
        try:
            update_config(config, read_yaml(path))
        except (TypeError, AttributeError):
            raise InputError(f"{path}: not a configuration; studies/example.yaml is one to copy") from None
    check_schema(config, root / "schemas/config.schema.yaml")
    return config


def check_schema(config: Mapping[str, Any], schema: Path) -> None:
    """Raise InputError, naming key and remedy, unless `config` follows the JSON schema in the file `schema`."""
    import jsonschema

    check_values(config, "config")
    validator = jsonschema.Draft202012Validator(read_yaml(schema))
    error = jsonschema.exceptions.best_match(validator.iter_errors(config))
    if error is None:
        return
    where = ".".join(str(part) for part in error.absolute_path) or "top level"
    if error.validator == "additionalProperties":
        known = error.schema["properties"]
        unknown = next(key for key in error.instance if key not in known)
        raise InputError(f"config, {where}: unknown key '{unknown}'; {nearest(str(unknown), known)}")
    raise InputError(f"config, {where}: {error.message}; see schemas/config.schema.yaml")


def check_study(config: Mapping[str, Any], schemas: Path) -> None:
    """All that can be checked of a configuration that follows its schema; loads its catalogue and its plugins.

    Raises InputError, in one line, for the first mistake.
    """
    from pedrank.metrics import metric_names
    from pedrank.refinements import refinement_names
    from pedrank.study import plugins

    use_settings(config, schemas)
    for plugin in config["plugins"]:
        plugins.load_plugin(plugin)
    check_names(config, metric_names(), refinement_names())
    check_all_options(config)


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
    _check_reference(config)
    _check_features(config)
    if config["ground_truth"]["source"] == "none":
        _check("ranking metric", config["ranking"]["metric"], config["metrics"])
        _check("ranking refinement", config["ranking"].get("refinement", "none"), refinements(config))
        for name in config["ground_truth"].get("confirm", []):
            _check("checkpoint to confirm", name, config["checkpoints"])
        return
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


def _check_reference(config: Mapping[str, Any]) -> None:
    """Statistics are there, or can be computed from images."""
    known, source = catalogue("checkpoints"), config["reference"]["source"]
    if source in ("folder", "self") or len(refinements(config)) == 1:  # raw features need none
        return
    if source == "shipped":
        bare = [name for name in config["checkpoints"] if known[name]["zoo"] != "tiny"]
        if bare:
            raise InputError(
                f"config, reference: no statistics are shipped with '{bare[0]}'; set source: imagenet-val or self"
            )
        return
    _check("reference dataset", source, catalogue("datasets"))
    if "features" in catalogue("datasets")[source]:
        raise InputError(f"config, reference: '{source}' has features and no images; set source: self or folder")
    blind = [name for name in config["checkpoints"] if known[name]["zoo"] == "features"]
    if blind:
        raise InputError(f"config, reference: '{blind[0]}' has features only; set source: self or folder")


def _check_features(config: Mapping[str, Any]) -> None:
    """What has features alone is not asked for more."""
    datasets, known = catalogue("datasets"), catalogue("checkpoints")
    given = [name for name in config["datasets"] if "features" in datasets[name]]
    blind = [name for name in config["checkpoints"] if known[name]["zoo"] == "features"]
    if blind and len(given) < len(config["datasets"]):
        pictured = next(name for name in config["datasets"] if name not in given)
        raise InputError(f"config: '{blind[0]}' has features only, and '{pictured}' has images; take one of them out")
    if given and (config["ground_truth"]["source"] == "finetune" or "confirm" in config["ground_truth"]):
        raise InputError(f"config, ground_truth: '{given[0]}' has features and no images; set source: file")


def _check(what: str, name: str, known: Collection[str]) -> None:
    if name not in known:
        raise InputError(f"config: unknown {what} '{name}'; {nearest(name, known)}")


def check_all_options(config: Mapping[str, Any]) -> None:
    """Raise InputError unless metrics and refinements know the options that `config` gives them; plugins are loaded."""
    from pedrank.metrics import get_metric
    from pedrank.refinements import option_names

    for name, options in config["metric_options"].items():
        check_options(f"config, metric_options.{name}", options, accepted(get_metric(name).function, skip=1))
    for name, options in config.get("refinements", {}).items():
        given = {key: value for key, value in options.items() if key != "by"}
        check_options(f"config, refinements.{name}", given, option_names(options["by"]))
