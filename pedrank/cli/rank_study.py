"""The study behind one call of `pedrank rank`: configuration and catalogue, checked before anything runs."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

import yaml

from pedrank.catalogue.catalogue import catalogue, entries_of, use_settings
from pedrank.cli import own_record
from pedrank.formats.yaml_file import read_yaml
from pedrank.store.artefacts import write_text
from pedrank.utils.errors import InputError
from pedrank.utils.paths import ROOT

SCHEMA = ROOT / "schemas/config.schema.yaml"
METRICS = ("logme", "sfda", "gbc", "knn")  # the first one also scores the halves of the images
# The evidence over all directions: the released formula is too high where features outnumber images.
METRIC_OPTIONS = {"logme": {"mode": "paper"}}
# A short grid: two learning rates that suit most networks, three seeds. The tiny zoo has the quickstart's grid.
SHORT = {"learning_rates": [0.01, 0.001], "weight_decays": [1e-4], "seeds": 3, "batch_size": 64, "augmentation": "none"}
TINY = SHORT | {"learning_rates": [0.1, 0.05], "batch_size": 32}
STEPS, TINY_STEPS = 500, 32
# Options of images, and of the networks that see them.
_OF_NETWORKS = (
    *("skip_broken", "pixel_range", "checkpoints", "unwrap", "prefix", "drop", "zoo", "max_params"),
    *("min_images_per_second", "licence", "top", "random", "finetune", "budget", "steps"),
)


def refuse_for_features(arguments: argparse.Namespace) -> None:
    """Raise InputError for an option of images or networks, where the data are features."""
    for option in _OF_NETWORKS:
        if getattr(arguments, option) not in (None, False, []):
            name = f"--{option.replace('_', '-')}"
            raise InputError(f"{name}: {arguments.images} has features and no images; leave out {name}, or give images")


def collect(arguments: argparse.Namespace) -> dict[str, Any]:
    """The study that a command line describes; also written to its folder, as by `write`.

    Args:
        arguments: As `pedrank.cli.rank` reads them.

    Returns:
        The configuration, with the catalogue of the user's own data under the key `catalogue`.

    Raises:
        InputError: A path or a name is wrong, or options contradict each other.
    """
    own = _catalogue(arguments.catalogue)
    dataset, checkpoints = _dataset(arguments.images, own)
    if checkpoints:
        refuse_for_features(arguments)
    _pixels(arguments, own["datasets"].get(dataset, {}))
    if arguments.steps and not (arguments.finetune or arguments.budget):
        raise InputError("--steps: nothing is fine-tuned; add --finetune or --budget, or leave out --steps")
    how = None
    if not checkpoints:
        checkpoints, how = _checkpoints(arguments, own, dataset)
    _note_names(own)
    if len(checkpoints) < 2:
        raise InputError(f"--checkpoints: '{checkpoints[0]}' alone cannot be ranked; name two or more")
    # The catalogue comes first: an entry of --catalogue may leave out fields that it takes from another one.
    entries = [(own["checkpoints"] | catalogue("checkpoints"))[name] for name in checkpoints]
    tiny = all(entry["zoo"] == "tiny" for entry in entries)
    small = all(entry["zoo"] == "tiny" or "image_size" in entry for entry in entries)  # others name their own size
    metrics = arguments.metric or list(METRICS)
    plugins = [str(Path(file).absolute()) for file in arguments.plugin]
    study = {
        "study": _study_name(dataset),
        "catalogue": own,
        "datasets": [dataset],
        "checkpoints": checkpoints,
        "image_size": 32 if small else 224,
        "together": tiny,
        "reference": {"source": _reference(arguments, own, tiny)},
        # Test images stay unseen, for fine-tuning. An image of several classes counts under each of them.
        "features": {"mode": "paper", "splits": ["train", "validation"]},
        "ground_truth": {"source": "none"},
        # With --metric or --refine, the order is that of this one score.
        "ranking": {
            "by": "metric" if arguments.metric or arguments.refine else "combination",
            "metric": metrics[0],
            "refinement": _refinement(arguments),
            **own_record.known(arguments.out, dataset),
            **({"chosen": how} if how else {}),
        },
        "metrics": metrics[:1],
        "baselines": metrics[1:],
        "metric_options": {name: options for name, options in METRIC_OPTIONS.items() if name in metrics},
        "ped": {"lambdas": [arguments.refine] if arguments.refine else []},
        "plugins": plugins,
    }
    _check(study, arguments.out)
    return study


def confirming(
    study: dict[str, Any], first: list[str], steps: int | None, budget: float | None = None
) -> dict[str, Any]:
    """The same study with some checkpoints fine-tuned to confirm the ranking, and the winner's weights kept.

    Args:
        study: As `collect` returns it.
        first: The checkpoints to fine-tune.
        steps: Steps of each run; by default 500, or 32 for the tiny zoo.
        budget: Seconds for a race of these checkpoints; None to fine-tune all of them with all seeds.

    >>> confirming({"together": True}, ["byol-tiny"], steps=None)["finetune"]["steps"]
    32
    """
    grid = {**TINY, "steps": TINY_STEPS} if study["together"] else {**SHORT, "steps": STEPS}
    return study | {
        "ground_truth": {"source": "none", "confirm": first, "keep": True} | ({"budget": budget} if budget else {}),
        "finetune": grid if steps is None else grid | {"steps": steps},
    }


def write(out: Path, study: dict[str, Any]) -> None:
    """Write OUT/catalogue.yaml, and OUT/study.yaml, which refers to it."""
    write_text(out / "catalogue.yaml", yaml.safe_dump(study["catalogue"], sort_keys=False))
    config = study | {"catalogue": str((out / "catalogue.yaml").resolve())}
    write_text(out / "study.yaml", yaml.safe_dump(config, sort_keys=False))


def profile(study: dict[str, Any]) -> str:
    """The profile that fits the study: many small jobs on the CPU for the tiny zoo, else a workstation.

    >>> profile({"together": False})
    'default'
    """
    return "quickstart" if study["together"] else "default"


def _dataset(word: str, own: dict[str, dict[str, Any]]) -> tuple[str, list[str]]:
    """The dataset's name, and the checkpoints of its features if it has features; a user's own card goes into `own`."""
    from pedrank.user_data.feature_files import features_entry
    from pedrank.user_data.folder_kind import holds_features
    from pedrank.user_data.image_cards import images_entry
    from pedrank.user_data.slug import slug

    path = Path(word)
    if not path.exists():
        if word in catalogue("datasets"):
            return word, []
        raise InputError(
            f"--images: {path} is no file, folder or known dataset; give a folder with one folder per class"
        )
    name = slug(path.absolute().stem if path.is_file() else path.absolute().name)
    name = f"own-{name}" if name in catalogue("datasets") else name
    if path.is_dir() and holds_features(path):
        own["datasets"][name], entries = features_entry(path)
        own["checkpoints"] |= entries
        return name, list(entries)
    own["datasets"][name] = images_entry(path)
    return name, []


def _pixels(arguments: argparse.Namespace, card: dict[str, Any]) -> None:
    """Put the options about a user's own images into their card."""
    given = {"skip_broken": arguments.skip_broken or None, "pixel_range": arguments.pixel_range}
    given = {field: value for field, value in given.items() if value is not None}
    if given and "images" not in card:
        option = f"--{next(iter(given)).replace('_', '-')}"
        raise InputError(f"{option}: {arguments.images} is not images of yours; leave out {option}")
    if arguments.pixel_range and not arguments.pixel_range[0] < arguments.pixel_range[1]:
        raise InputError("--pixel-range: HIGH must be above LOW")
    card |= given


def _catalogue(path: Path | None) -> dict[str, dict[str, Any]]:
    """The entries of --catalogue, whose names are known from then on like those of the shipped catalogue."""
    if path is None:
        return {"datasets": {}, "checkpoints": {}}
    own = entries_of(path)
    use_settings({"catalogue": str(path)}, SCHEMA.parent)
    return own


def _checkpoints(
    arguments: argparse.Namespace, own: dict[str, dict[str, Any]], dataset: str
) -> tuple[list[str], str | None]:
    """Names of the checkpoints to rank, and how they were chosen; a user's own entries go into `own`."""
    from pedrank.cli.rank_choice import chosen
    from pedrank.user_data.checkpoint_names import checkpoint_entries

    names, words, how = chosen(arguments, dataset)
    given = checkpoint_entries(words)
    twice = [name for name in given if name in names]
    if twice:
        raise InputError(
            f"--checkpoints: the name '{twice[0]}' occurs twice, since --zoo {arguments.zoo} has it; leave it out here"
        )
    options = {
        field: value for field in ("unwrap", "prefix", "drop") if (value := getattr(arguments, field)) is not None
    }
    files = [entry for entry in given.values() if entry is not None and "weights" in entry]
    if options and not files:
        raise InputError(f"--{next(iter(options))}: has an effect only on files of weights; add FILE=ARCHITECTURE")
    for entry in files:
        entry |= options
    own["checkpoints"] |= {name: entry for name, entry in given.items() if entry is not None}
    names += given
    if not names:
        raise InputError(
            "no checkpoints given; add --zoo tiny (shipped, for a demonstration), --zoo ssl, or --checkpoints NAME …"
        )
    return names, how


def _reference(arguments: argparse.Namespace, own: dict[str, dict[str, Any]], tiny: bool) -> str:
    if arguments.reference is None:
        return "shipped" if tiny else "self"
    if arguments.refine is None:
        raise InputError("--reference has an effect only with PED; add --refine LAMBDA")
    from pedrank.user_data.image_cards import reference_entry
    from pedrank.user_data.slug import slug

    path = Path(arguments.reference)
    if not path.exists() and arguments.reference in catalogue("datasets"):
        return arguments.reference
    name = f"reference-{slug(path.absolute().name)}"
    own["datasets"][name] = reference_entry(path)
    _pixels(arguments, own["datasets"][name])
    return name


def _refinement(arguments: argparse.Namespace) -> str:
    return f"ped-{arguments.refine:g}" if arguments.refine else "none"


def _note_names(own: dict[str, dict[str, Any]]) -> None:
    """Print which file or folder a name stands for where its own name could not be kept."""
    from pedrank.user_data.feature_files import files
    from pedrank.user_data.slug import is_hashed

    named = {}
    for name, card in own["datasets"].items():
        given = card.get("images") or card.get("features")
        if given is None:  # of --catalogue: files to fetch, or a variant
            continue
        path = Path(given)
        named[name] = path
        named |= files(path) if "features" in card else {}
    named |= {name: Path(entry["weights"]) for name, entry in own["checkpoints"].items() if "weights" in entry}
    for name, path in named.items():
        if is_hashed(path.name if path.is_dir() else path.stem):
            print(f"note: {path.name!r} is called {name} in the results", file=sys.stderr)


def _study_name(dataset: str) -> str:
    """The dataset's name, unless that is a reserved folder of results/."""
    name = dataset.replace(".", "-")
    taken = read_yaml(SCHEMA)["properties"]["study"]["not"]["enum"]
    return f"{name}-images" if name in taken else name


def _check(study: dict[str, Any], out: Path) -> None:
    """Check the study as the Snakefile does, before Snakemake starts, so that a mistake is one line."""
    from pedrank.study.config import check_schema, check_study

    try:
        out.mkdir(parents=True, exist_ok=True)
        writable = os.access(out, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        raise InputError(f"--out: {out} cannot be written; give another folder")
    write(out, study)
    config = study | {"catalogue": str(out / "catalogue.yaml")}
    check_schema(config, SCHEMA)
    check_study(config, SCHEMA.parent)
