"""Score a file of features by one metric; higher is better.

    pedrank score features.npz --metric logme
    pedrank score features.npz --metric logme --options mode=paper
    pedrank score features.npz --metric logme --refine 0.6 --reference reference.npz

FILE holds the arrays `features` (N, D) and `labels` (N,): .npz, .safetensors, or .npy with labels.npy beside it. The
reference file holds `features` of reference images, or their `mean` and `std`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `pedrank score`."""
    parser.add_argument("file", type=Path, metavar="FILE", help="features and labels")
    parser.add_argument("--metric", default="logme", help="a name from `pedrank metrics` (default: %(default)s)")
    parser.add_argument(
        "--options", nargs="+", default=[], metavar="NAME=VALUE", help="options of the metric, such as mode=paper"
    )
    parser.add_argument(
        "--plugin", nargs="+", default=[], metavar="FILE", help="Python files that define your own metrics"
    )
    add_refinement(parser)
    parser.add_argument("--json", action="store_true", help="print JSON, with options and hashes of the inputs")


def add_refinement(parser: argparse.ArgumentParser, required: bool = False) -> None:
    """Add the options of PED: --refine, --reference, --mode."""
    parser.add_argument("--refine", type=float, required=required, metavar="LAMBDA", help="PED's radius coefficient")
    parser.add_argument(
        "--reference",
        type=Path,
        metavar="FILE",
        help="reference images' features or statistics (default: the features in FILE)",
    )
    parser.add_argument(
        "--mode",
        default="as_released",
        choices=["as_released", "paper"],
        help="how PED is computed (default: %(default)s)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the score."""
    from pedrank.cli.refinement_options import refinement_asked_for
    from pedrank.metrics import evaluate, get_metric
    from pedrank.observation.observation import observe
    from pedrank.store.artefacts import provenance
    from pedrank.study import plugins
    from pedrank.user_data.feature_files import read_features
    from pedrank.utils.errors import about
    from pedrank.utils.options import accepted, check_options

    for plugin in arguments.plugin:
        plugins.load_plugin(plugin)
    chosen = metric_options(arguments.options)
    check_options(arguments.metric, chosen, accepted(get_metric(arguments.metric).function, skip=1))
    features, labels = read_features(arguments.file)
    refinement, reference = refinement_asked_for(arguments, features, labels)
    with about(arguments.file):
        observation = observe(features, labels, refinement)
        found = evaluate(arguments.metric, observation, **chosen)
    if not arguments.json:
        print(repr(found.score))
        return 0
    inputs = [file for file in (arguments.file, arguments.reference, *arguments.plugin) if file is not None]
    size = {"n": observation.n, "d": observation.d, "c": observation.c}
    options = {"metric": arguments.metric, **chosen, "refinement": refinement.options if refinement else None}
    options["reference"] = reference
    record = found._asdict() | size | {"made_by": provenance(options, inputs)}
    print(json.dumps(record, indent=1, sort_keys=True))
    return 0


def metric_options(words: Sequence[str]) -> dict[str, Any]:
    """Options of a metric from words NAME=VALUE; a value is a number, true, false or a text.

    Args:
        words: The words.

    Raises:
        InputError: A word is not NAME=VALUE.

    >>> metric_options(["k=5", "mode=paper"])
    {'k': 5, 'mode': 'paper'}
    """
    from pedrank.utils.errors import InputError

    found = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not (name and sign):
            raise InputError(f"--options: '{word}' is not NAME=VALUE, such as mode=paper")
        found[name] = _value(value)
    return found


def _value(word: str) -> int | float | bool | str:
    for convert in (int, float):
        with suppress(ValueError):
            return convert(word)
    return {"true": True, "false": False}.get(word.lower(), word)
