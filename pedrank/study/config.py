"""Check a study's configuration before anything runs; a mistake is reported in one line."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from pedrank.catalogue.catalogue import catalogue, use_settings
from pedrank.evaluation.names import WITHOUT_FEATURES
from pedrank.formats.yaml_file import check_values, read_yaml
from pedrank.study.names import refinements
from pedrank.study.restore_types import restore_types
from pedrank.utils.errors import InputError, nearest
from pedrank.utils.options import accepted, check_options


def read_config(root: Path, *files: Path) -> dict[str, Any]:
    """A study's configuration, merged as Snakemake merges it, and checked against the schema.

    Args:
        root: The repository; its config.yaml is the base.
        files: The study's own files; later ones override earlier ones.

    Raises:
        InputError: A file is missing or not YAML, or as `check_schema`.
    """
    from snakemake.utils import update_config

    config: dict[str, Any] = {}
    for path in [root / "config.yaml", *files]:
        try:
            update_config(config, read_yaml(path))
        except (TypeError, AttributeError):
            raise InputError(f"{path}: not a configuration; copy studies/example.yaml and change it") from None
    restore_types(config, root / "schemas/config.schema.yaml")
    check_schema(config, root / "schemas/config.schema.yaml")
    return config


def check_targets(files: Sequence[Path]) -> None:
    """Check that no target was read as a configuration: everything after `--configfile` is one.

    Args:
        files: The files of `--configfile`; a single one may be the configuration that a study was made with.

    Raises:
        InputError: One of several files is below `results/`.
    """
    below = [file for file in files if file.resolve().is_relative_to(Path("results").resolve())]
    if below and len(files) > 1:
        target = os.path.relpath(below[0])
        raise InputError(
            f"{target}: --configfile takes every word after it, so this target was read as a configuration; "
            "put targets before --configfile, or separate them by --"
        )


def check_schema(config: Mapping[str, Any], schema: Path) -> None:
    """Check a configuration against a JSON schema.

    Args:
        config: The configuration.
        schema: File of the schema.

    Raises:
        InputError: The configuration does not follow the schema; the message names key and remedy.
    """
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
    if error.validator == "type" and error.validator_value == "string" and isinstance(error.instance, int | float):
        value = f'"{error.instance}"'  # --config reads a number even in quotes
        raise InputError(f"config, {where}: {error.instance} must be text; write {value} in a file for --configfile")
    raise InputError(f"config, {where}: {error.message}; see schemas/config.schema.yaml")


def check_study(config: Mapping[str, Any], schemas: Path) -> None:
    """Check names, options and their combinations; loads the study's catalogue and plugins.

    Args:
        config: A configuration that follows its schema.
        schemas: Folder of the schemas.

    Raises:
        InputError: The first mistake.
    """
    from pedrank.metrics import metric_names
    from pedrank.refinements import refinement_names
    from pedrank.study import plugins

    use_settings(config, schemas)
    for plugin in config["plugins"]:
        plugins.load_plugin(plugin)
    check_names(config, metric_names(), refinement_names())
    check_all_options(config)
    known = config["ground_truth"]
    if known["source"] == "file" and not Path(known["file"]).is_file():
        remedy = "correct the path, which is relative to the working directory"
        raise InputError(f"config, ground_truth.file: no such file '{known['file']}'; {remedy}")


def check_names(config: Mapping[str, Any], metrics: Collection[str], movers: Collection[str] = ("ped", "sa")) -> None:
    """Check that every dataset, checkpoint, metric and refinement in a configuration exists.

    Args:
        config: The configuration; its catalogue is loaded.
        metrics: Names of all metrics.
        movers: Names of all refinements.

    Raises:
        InputError: A name does not exist, or is used where it does not fit.
    """
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
            raise InputError(f"config, refinements: '{name}' is a reserved name; choose another")
        _check("refinement", options["by"], movers)
    reserved = [name for name in [*config["metrics"], *baselines] if name in WITHOUT_FEATURES]
    if reserved:
        raise InputError(f"config, metrics: '{reserved[0]}' is a reserved name; rename the metric in its plugin")
    twice = [name for name in baselines if name in config["metrics"]]
    if twice:
        raise InputError(
            f"config, baselines: '{twice[0]}' is a metric and a baseline; remove it from one of the two lists"
        )
    _check_reference(config)
    _check_features(config)
    if config["ground_truth"]["source"] == "none":
        _check("ranking metric", config["ranking"]["metric"], config["metrics"])
        moved = config["ranking"].get("refinement", "none")
        _check("ranking refinement", moved, refinements(config))
        if config["ranking"].get("by") == "combination" and moved != "none":
            raise InputError(
                f"config, ranking: the combination uses raw features; remove refinement: {moved}, or set by: metric"
            )
        for name in config["ground_truth"].get("confirm", []):
            _check("checkpoint to confirm", name, config["checkpoints"])
        return
    figures, ped = config["figures"], [name for name in refinements(config) if name.startswith("ped-")]
    for what, name, known in [
        *(("ablation dataset", name, config["datasets"]) for name in config["ablation"]["datasets"]),
        *(("figure dataset", name, config["datasets"]) for name in figures["ranks"]["datasets"]),
        ("figure dataset", figures["tsne"]["dataset"], config["datasets"]),
        ("figure checkpoint", figures["tsne"]["checkpoint"], config["checkpoints"]),
        ("figure refinement", figures["tsne"]["refinement"], ped),  # Figure 6 needs PED's steps
        ("figure refinement", figures["ranks"]["refinement"], refinements(config)),
        ("figure metric", figures["ranks"]["metric"], config["metrics"]),
    ]:
        _check(what, name, known)


def _check_reference(config: Mapping[str, Any]) -> None:
    """Check that reference statistics are shipped, given, or computable from images."""
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
        raise InputError(
            f"config, reference: dataset '{source}' has features and no images; set source: self or folder"
        )
    blind = [name for name in config["checkpoints"] if known[name]["zoo"] == "features"]
    if blind:
        raise InputError(
            f"config, reference: checkpoint '{blind[0]}' has features and no weights; set source: self or folder"
        )


def _check_features(config: Mapping[str, Any]) -> None:
    """Check that datasets and checkpoints with features only are not used where images or weights are needed."""
    datasets, known = catalogue("datasets"), catalogue("checkpoints")
    given = [name for name in config["datasets"] if "features" in datasets[name]]
    blind = [name for name in config["checkpoints"] if known[name]["zoo"] == "features"]
    if blind and len(given) < len(config["datasets"]):
        pictured = next(name for name in config["datasets"] if name not in given)
        raise InputError(
            f"config: checkpoint '{blind[0]}' has features and no weights, but dataset '{pictured}' has images; "
            "remove one"
        )
    if given and (config["ground_truth"]["source"] == "finetune" or "confirm" in config["ground_truth"]):
        raise InputError(f"config, ground_truth: dataset '{given[0]}' has features and no images; set source: file")


def _check(what: str, name: str, known: Collection[str]) -> None:
    if name not in known:
        raise InputError(f"config: unknown {what} '{name}'; {nearest(name, known)}")


def check_all_options(config: Mapping[str, Any]) -> None:
    """Check the options of metrics and refinements; plugins must be loaded.

    Args:
        config: The configuration.

    Raises:
        InputError: A metric or a refinement does not have such an option.
    """
    from pedrank.metrics import get_metric
    from pedrank.refinements import option_names

    for name, options in config["metric_options"].items():
        check_options(f"config, metric_options.{name}", options, accepted(get_metric(name).function, skip=1))
    for name, options in config.get("refinements", {}).items():
        given = {key: value for key, value in options.items() if key != "by"}
        check_options(f"config, refinements.{name}", given, option_names(options["by"]))
