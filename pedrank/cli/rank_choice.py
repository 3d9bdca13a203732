"""The checkpoints that `pedrank rank` chooses itself: from a zoo or a wildcard, within limits, by their prior."""

from __future__ import annotations

import argparse
import re
import sys
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from pedrank.cli.option_values import count, positive
from pedrank.utils.columns import align
from pedrank.utils.errors import InputError

if TYPE_CHECKING:
    from pedrank.ranking.choice import Choice

TOP = 20  # checkpoints chosen from timm or by a wildcard, where --top is not given
_OPTIONS = ("max_params", "min_images_per_second", "licence", "top")
_UNITS = {"": 1e-6, "k": 1e-3, "m": 1.0, "b": 1e3}  # of a number of parameters, in millions


def add_choice_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that limit --zoo and wildcards."""
    group = parser.add_argument_group("choice among many checkpoints, for --zoo and wildcards in --checkpoints")
    group.add_argument(
        "--max-params", type=_millions, metavar="N", help="at most N parameters, such as 30M (published numbers)"
    )
    group.add_argument(
        "--min-images-per-second",
        type=positive,
        metavar="N",
        help="at least N images per second in timm's benchmark on an NVIDIA RTX PRO 6000 Max-Q",
    )
    group.add_argument("--licence", choices=["permissive"], help="only weights whose stated licence is permissive")
    group.add_argument(
        "--top",
        type=count,
        metavar="N",
        help=f"the N checkpoints with the highest prior (default: {TOP} for --zoo timm and wildcards, else all)",
    )
    group.add_argument(
        "--random", action="store_true", help="random weights for networks of timm and torchvision, to try the command"
    )


def chosen(arguments: argparse.Namespace, dataset: str) -> tuple[list[str], list[str], str | None]:
    """Choose checkpoints as a command line asks for it, and print the choice.

    Args:
        arguments: As `pedrank.cli.rank` reads them.
        dataset: Name of the dataset to rank for.

    Returns:
        Names in the catalogue; checkpoints in the words of `pedrank.user_data.checkpoint_names`, the named ones among
        them; a sentence on the choice, None where nothing was left to choose.

    Raises:
        InputError: Fewer than two checkpoints are within the limits, a wildcard matches nothing, or an option has no
            effect.
    """
    from pedrank.catalogue.catalogue import catalogue

    patterns = [word for word in arguments.checkpoints if _is_pattern(word)]
    named = [word for word in arguments.checkpoints if word not in patterns]
    # A checkpoint that is named beside a wildcard is no mistake. One that is named beside its zoo is refused later.
    zoo, offered = _of_zoo(arguments.zoo), _matches(patterns)
    if arguments.zoo == "timm":
        zoo, offered = {}, zoo | offered
    candidates = zoo | {name: entry for name, entry in offered.items() if name not in named}
    limited = [f"--{option.replace('_', '-')}" for option in _OPTIONS if getattr(arguments, option) is not None]
    if limited and not (arguments.zoo or patterns):
        raise InputError(f"{limited[0]}: has an effect only on --zoo and on wildcards such as 'timm:resnet*'; add one")
    sentence = None
    if limited or patterns or arguments.zoo == "timm":
        from pedrank.ranking.choice import Limits, choose

        top = arguments.top or (TOP if patterns or arguments.zoo == "timm" else None)
        limits = Limits(
            arguments.max_params, arguments.min_images_per_second, arguments.licence, top, arguments.zoo == "timm"
        )
        choice = choose(candidates, dataset, limits)
        if len(choice.table) + len(named) < 2:
            raise InputError(_too_few(choice, limited))
        sentence = choice_sentence(choice, limits.one_per_network)
        print("\n".join(choice_lines(choice, sentence)), file=sys.stdout if arguments.dry_run else sys.stderr)
        candidates = {name: candidates[name] for name in choice.table.index}
    names = [name for name in candidates if name in catalogue("checkpoints")]
    words = [*(name for name in candidates if name not in names), *named]
    return names, _random(names, words) if arguments.random else words, sentence


def choice_sentence(choice: Choice, one_per_network: bool) -> str:
    """Say how checkpoints were chosen, for the report."""
    of_networks = ", at most one of each network" if one_per_network else ""
    left_out = "".join(f" Left out: {number:,} with {reason}." for reason, number in choice.left_out.items())
    return (
        f"{len(choice.table):,} of {choice.candidates:,} checkpoints were chosen: those with the highest prior"
        f"{of_networks}.{left_out}"
    )


def choice_lines(choice: Choice, sentence: str) -> list[str]:
    """Lines that name the chosen checkpoints, and the numbers that they were chosen by."""
    from pedrank.report import text
    from pedrank.report.sentences.cost_words import COSTS, about_costs, cost_text

    rows = [
        [
            name,
            "unknown" if row["prior"] != row["prior"] else text.signed(row["prior"]),
            row["prior_from"] or "unknown",
            *(cost_text(column, row[column]) for column in COSTS),
        ]
        for name, row in zip(choice.table.index, choice.table.to_dict("records"), strict=True)
    ]
    head = ["chosen", "prior", "prior from", *COSTS.values()]
    return [sentence, "", *align([head, *rows], left=(0, 2, 6)), "", about_costs(list(COSTS)), ""]


def _too_few(choice: Choice, limited: list[str]) -> str:
    """Why fewer than two checkpoints are left, and what to relax."""
    reasons = ", ".join(f"{number:,} with {reason}" for reason, number in choice.left_out.items())
    of = f"{len(choice.table)} of {choice.candidates:,} checkpoints remain"
    why = f"; left out: {reasons}" if reasons else ""
    return f"{of}{why}; {'relax ' + ' or '.join(limited) if limited else 'name another zoo or wildcard'}"


def _of_zoo(name: str | None) -> dict[str, dict[str, Any]]:
    """The checkpoints of a zoo as entries by name; of timm all whose ImageNet accuracy is published."""
    from pedrank.catalogue.catalogue import catalogue, zoo
    from pedrank.formats.yaml_file import read_yaml
    from pedrank.ranking.costs import timm_checkpoints
    from pedrank.utils.paths import PACKAGE

    presets = read_yaml(PACKAGE / "catalogue/presets.yaml")
    if name is None:
        return {}
    if name == "timm":
        return timm_checkpoints()
    if name in presets:
        known = timm_checkpoints()
        return {f"timm:{model}": known[f"timm:{model}"] for model in presets[name]["checkpoints"]}
    try:
        return {each: catalogue("checkpoints")[each] for each in zoo(name)}
    except InputError as error:
        raise InputError(f"{error}, {', '.join(presets)}") from None


def _is_pattern(word: str) -> bool:
    """Whether a word is a wildcard: files and addresses do not contain "*"."""
    return "*" in word


def _matches(patterns: list[str]) -> dict[str, dict[str, Any]]:
    """The checkpoints that wildcards match: of the catalogue, of timm and of torchvision."""
    from pedrank.catalogue.catalogue import catalogue
    from pedrank.ranking.costs import timm_checkpoints, torchvision_checkpoints

    known = {**catalogue("checkpoints"), **timm_checkpoints(), **torchvision_checkpoints()} if patterns else {}
    found: dict[str, dict[str, Any]] = {}
    for pattern in patterns:
        plain = re.sub("^(timm|torchvision)/", r"\1:", pattern)
        matching = {name: entry for name, entry in known.items() if fnmatchcase(name, plain)}
        if not matching:
            raise InputError(
                f"--checkpoints: '{pattern}' matches no known checkpoint; write it as timm:NAME*, torchvision:NAME* or "
                "the beginning of a name from `pedrank zoo`"
            )
        found |= matching
    return found


def _random(names: list[str], words: list[str]) -> list[str]:
    """The same networks with random weights."""
    fixed = [*names, *(word for word in words if not re.match("(timm|torchvision)[:/]", word))]
    if fixed:
        raise InputError(f"--random: {fixed[0]} has fixed weights; leave it out, or leave out --random")
    return list(dict.fromkeys(f"{word.partition('@')[0]}@random" for word in words))


def _millions(word: str) -> float:
    """Millions of a number of parameters such as 30M, 1.2B or 250k."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([kmb]?)", word.lower())
    if not found or float(found[1]) == 0:
        raise argparse.ArgumentTypeError(f"'{word}' is no number of parameters above 0, such as 30M")
    return float(found[1]) * _UNITS[found[2]]
