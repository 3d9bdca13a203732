"""The names that a study's configuration holds, and the files that they stand for.

Lists that grow with a study (datasets, checkpoints, metrics, refinements) do not travel on a command line: a script is
given a pattern such as "results/paper/scores/{dataset}.csv" and the study's config.yaml, which holds the names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from pedrank.formats.yaml_file import read_yaml
from pedrank.utils.errors import InputError

_FIELD = re.compile(r"\{(\w+)\}")


def refinements(config: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The refinements that are scored, by name, with the arguments of `move`; "none" is raw features.

    >>> refinements({"ped": {"lambdas": [0.6], "dt": 0.1}})
    {'none': {}, 'ped-0.6': {'dt': 0.1, 'lam': 0.6}}
    """
    options = {key: value for key, value in config["ped"].items() if key != "lambdas"}
    ped = {f"ped-{lam:g}": options | {"lam": lam} for lam in config["ped"]["lambdas"]}
    return {"none": {}} | ped | config.get("refinements", {})


def is_ranked(config: Mapping[str, Any]) -> bool:
    """Whether the study ranks checkpoints without ground truth, so that there is nothing to judge the ranking by."""
    return config["ground_truth"]["source"] == "none"


def finetuned(config: Mapping[str, Any]) -> list[str]:
    """The checkpoints that are fine-tuned: all, or those that confirm a ranking."""
    return config["ground_truth"].get("confirm", []) if is_ranked(config) else config["checkpoints"]


def names(config: Mapping[str, Any], field: str) -> Sequence[str]:
    """List the names that a field of a pattern stands for.

    Args:
        config: The study's configuration.
        field: dataset, checkpoint or metric: all of the study. finetuned: the checkpoints that are fine-tuned.
            refinement: all refinements; refined: all but "none". swept: the datasets of the ablation; shown: those of
            Figure 7. point and seed: of the fine-tuning grid.

    Returns:
        The names in the study's order.

    >>> list(names({"datasets": ["dtd", "pets"]}, "dataset"))
    ['dtd', 'pets']
    """
    if field == "swept":
        return config["ablation"]["datasets"]
    if field == "shown":
        return config["figures"]["ranks"]["datasets"]
    if field in ("point", "seed"):
        from pedrank.finetune.protocol import point_name, protocol  # here: it decides nothing for other fields

        plan = protocol(config["finetune"])
        return [point_name(point) for point in plan.points] if field == "point" else [str(seed) for seed in plan.seeds]
    if field in ("refinement", "refined"):
        return [name for name in refinements(config) if field == "refinement" or name != "none"]
    return finetuned(config) if field == "finetuned" else config[f"{field}s"]


def files(pattern: str, study: Path | None = None) -> list[tuple[dict[str, str], Path]]:
    """The files of a pattern, in the study's order, each with the names that it is filled with.

    Args:
        pattern: A path with fields in braces, each of which `names` knows; without any, a single file.
        study: The study's config.yaml; needed where the pattern has fields.

    Raises:
        InputError: The pattern has a field, and no study is given.
    """
    fields = list(dict.fromkeys(_FIELD.findall(pattern)))
    if fields and study is None:
        raise InputError(
            f"{pattern}: give the study's config.yaml as --study; it defines what {{{fields[0]}}} stands for"
        )
    config = read_yaml(study) if fields and study is not None else {}
    filled = product(*(names(config, field) for field in fields))
    each = [dict(zip(fields, values, strict=True)) for values in filled]
    return [(values, Path(fill(pattern, values))) for values in each]


def paths(patterns: Sequence[str], study: Path | None = None) -> list[Path]:
    """The files of several patterns, one pattern after the other."""
    return [path for pattern in patterns for _, path in files(pattern, study)]


def fill(pattern: str, values: Mapping[str, str]) -> str:
    """The pattern with the fields that `values` has; others stay in braces.

    >>> fill("results/{study}/scores/{dataset}.csv", {"study": "paper"})
    'results/paper/scores/{dataset}.csv'
    """
    return _FIELD.sub(lambda found: values.get(found[1], found[0]), pattern)
