"""What `pedrank rank` was asked for, as a study: its configuration and its catalogue, checked before anything runs."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import yaml

from pedrank.catalogue.catalogue import catalogue, zoo
from pedrank.formats.yaml_file import read_yaml
from pedrank.store.artefacts import write_text
from pedrank.utils.errors import InputError
from pedrank.utils.paths import ROOT

SCHEMA = ROOT / "schemas/config.schema.yaml"
# A short grid: two learning rates that suit most networks, three seeds. The tiny zoo takes the quickstart's.
SHORT = {"learning_rates": [0.01, 0.001], "weight_decays": [1e-4], "seeds": 3, "batch_size": 64, "augmentation": "none"}
TINY = SHORT | {"learning_rates": [0.1, 0.05], "batch_size": 32}
STEPS, TINY_STEPS = 500, 32


def collect(arguments: argparse.Namespace) -> dict[str, Any]:
    """The study, with its catalogue under the key `catalogue`; it is in its folder now, as `write` writes it.

    Raises InputError for anything that could not run: wrong paths and names, options that do not go together.
    """
    if not (ROOT / "Snakefile").is_file():
        raise InputError(
            "`pedrank rank` runs the workflow of the repository: install with `pip install -e` from a clone"
        )
    own: dict[str, dict[str, Any]] = {"datasets": {}, "checkpoints": {}}
    dataset, checkpoints = _dataset(arguments.images, own)
    if checkpoints and arguments.finetune:
        raise InputError(f"--finetune: {arguments.images} has features and no images, which nothing can be trained on")
    checkpoints += _checkpoints(arguments, own) if not checkpoints else []
    if len(checkpoints) < 2:
        raise InputError(f"--checkpoints: '{checkpoints[0]}' alone cannot be ranked; name two or more")
    entries = [(catalogue("checkpoints") | own["checkpoints"])[name] for name in checkpoints]
    tiny = all(entry["zoo"] == "tiny" for entry in entries)
    small = all(entry["zoo"] == "tiny" or "image_size" in entry for entry in entries)  # others say their own size
    plugins = [str(Path(file).absolute()) for file in arguments.plugin]
    study = {
        "study": _study_name(dataset),
        "catalogue": own,
        "datasets": [dataset],
        "checkpoints": checkpoints,
        "image_size": 32 if small else 224,
        "together": tiny,
        "reference": {"source": _reference(arguments, own, tiny)},
        "features": {"splits": ["train", "validation"]},  # test images stay unseen, for fine-tuning
        "ground_truth": {"source": "none"},
        "ranking": {"metric": arguments.metric[0], "refinement": _refinement(arguments)},
        "metrics": arguments.metric[:1],
        "baselines": arguments.metric[1:],
        "ped": {"lambdas": [arguments.refine] if arguments.refine else []},
        "plugins": plugins,
    }
    _check(study, arguments.out)
    return study


def confirming(study: dict[str, Any], first: list[str], steps: int | None) -> dict[str, Any]:
    """The study in which the checkpoints `first` are fine-tuned."""
    grid = {**TINY, "steps": TINY_STEPS} if study["together"] else {**SHORT, "steps": STEPS}
    return study | {
        "ground_truth": {"source": "none", "confirm": first},
        "finetune": grid if steps is None else grid | {"steps": steps},
    }


def write(out: Path, study: dict[str, Any]) -> None:
    """OUT/catalogue.yaml and OUT/study.yaml, which names it."""
    write_text(out / "catalogue.yaml", yaml.safe_dump(study["catalogue"], sort_keys=False))
    config = study | {"catalogue": str((out / "catalogue.yaml").resolve())}
    write_text(out / "study.yaml", yaml.safe_dump(config, sort_keys=False))


def profile(study: dict[str, Any]) -> str:
    """The profile that suits: many small jobs on the CPU for the tiny zoo, a workstation else."""
    return "quickstart" if study["together"] else "default"


def _dataset(word: str, own: dict[str, dict[str, Any]]) -> tuple[str, list[str]]:
    """Name of the dataset, its card in `own` where it is the user's, and the checkpoints that features are of."""
    from pedrank.user_data.feature_files import SUFFIXES, features_entry
    from pedrank.user_data.image_cards import images_entry
    from pedrank.user_data.slug import slug

    path = Path(word)
    if not path.exists():
        if word in catalogue("datasets"):
            return word, []
        raise InputError(f"--images: no such file or folder as {path}; give a folder with a folder of images per class")
    name = slug(path.absolute().stem if path.is_file() else path.absolute().name)
    name = f"own-{name}" if name in catalogue("datasets") else name
    inside = [file for file in path.iterdir() if not file.name.startswith(".")] if path.is_dir() else []
    if any(file.is_file() and file.suffix in SUFFIXES for file in inside):
        own["datasets"][name], entries = features_entry(path)
        own["checkpoints"] |= entries
        return name, list(entries)
    own["datasets"][name] = images_entry(path)
    return name, []


def _checkpoints(arguments: argparse.Namespace, own: dict[str, dict[str, Any]]) -> list[str]:
    from pedrank.user_data.checkpoint_names import checkpoint_entry

    names = zoo(arguments.zoo) if arguments.zoo else []
    for word in arguments.checkpoints:
        name, entry = checkpoint_entry(word)
        if name in names:
            raise InputError(f"--checkpoints: two of them are called '{name}'; leave one out, or rename a file")
        if entry is not None:
            own["checkpoints"][name] = entry
        names.append(name)
    if not names:
        raise InputError(
            "say which checkpoints: --zoo tiny (shipped, a demonstration), --zoo ssl, or --checkpoints NAME …"
        )
    return names


def _reference(arguments: argparse.Namespace, own: dict[str, dict[str, Any]], tiny: bool) -> str:
    if arguments.reference is None:
        return "shipped" if tiny else "self"
    if arguments.refine is None:
        raise InputError("--reference rescales features before PED; give --refine LAMBDA with it")
    from pedrank.user_data.image_cards import reference_entry
    from pedrank.user_data.slug import slug

    path = Path(arguments.reference)
    if not path.exists() and arguments.reference in catalogue("datasets"):
        return arguments.reference
    name = f"reference-{slug(path.absolute().name)}"
    own["datasets"][name] = reference_entry(path)
    return name


def _refinement(arguments: argparse.Namespace) -> str:
    return f"ped-{arguments.refine:g}" if arguments.refine else "none"


def _study_name(dataset: str) -> str:
    """The dataset's, unless a folder of results/ has it that is no study's."""
    name = dataset.replace(".", "-")
    taken = read_yaml(SCHEMA)["properties"]["study"]["not"]["enum"]
    return f"{name}-images" if name in taken else name


def _check(study: dict[str, Any], out: Path) -> None:
    """As the Snakefile does, so that a mistake is one line before Snakemake starts."""
    from pedrank.study.config import check_schema, check_study

    try:
        out.mkdir(parents=True, exist_ok=True)
        writable = os.access(out, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        raise InputError(f"--out: nothing can be written to {out}; choose another folder")
    write(out, study)
    config = study | {"catalogue": str(out / "catalogue.yaml"), "metric_options": {}}
    check_schema(config, SCHEMA)
    check_study(config, SCHEMA.parent)
