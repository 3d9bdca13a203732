"""Choose among many checkpoints before any is fetched: within limits of cost and licence, the highest prior first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from pedrank.catalogue.licence import licence_kind
from pedrank.ranking.costs import costs
from pedrank.ranking.prior import known_priors

if TYPE_CHECKING:
    import pandas as pd


class Limits(NamedTuple):
    """Limits of a choice; None where there is no limit.

    max_params: parameters in millions; min_images_per_second: in timm's benchmark; licence:
    "permissive"; top: number of checkpoints to choose; one_per_network: whether to keep, of several weights of one
    network, only those with the highest prior, since they are much alike.
    """

    max_params: float | None = None
    min_images_per_second: float | None = None
    licence: str | None = None
    top: int | None = None
    one_per_network: bool = False


class Choice(NamedTuple):
    """Chosen checkpoints, the highest prior first, and how many were left out for each reason.

    table: params_millions, gmacs, images_per_second, licence, imagenet, prior and prior_from by checkpoint; candidates:
    their number; left_out: numbers by reason, in the order in which the limits are applied.
    """

    table: pd.DataFrame
    candidates: int
    left_out: dict[str, int]


def choose(checkpoints: Mapping[str, Mapping[str, Any] | None], dataset: str, limits: Limits) -> Choice:
    """Choose checkpoints within limits by their prior.

    A checkpoint whose number or licence is unknown cannot be shown to be within a limit, so it is left out. Of equal
    priors, the smaller network comes first; checkpoints without a prior come last, in the order given.

    Args:
        checkpoints: Candidates, as for `pedrank.ranking.prior.prior`.
        dataset: Name of the dataset; its published accuracies are not used.
        limits: The limits.

    >>> choose({"byol": None, "swav": None, "insdis": None}, "dtd", Limits(top=2)).table.index.tolist()
    ['swav', 'byol']
    """
    table = costs(checkpoints)
    left_out: dict[str, int] = {}
    for reason, kept in _conditions(limits):
        within = kept(table)
        if limits_out := int((~within).sum()):
            left_out[reason] = limits_out
        table = table[within]
    table = table.join(known_priors({name: checkpoints[name] for name in table.index}, dataset))
    table = table.sort_values(["prior", "params_millions"], ascending=[False, True], kind="stable")
    if limits.one_per_network:
        networks = {name: _network(name, checkpoints[name]) for name in table.index}
        table = table[~table.index.to_series().map(networks).duplicated()]
    return Choice(table.head(limits.top or len(table)), len(checkpoints), left_out)


def _network(name: str, entry: Mapping[str, Any] | None) -> str:
    """The architecture without the tag of its weights; the name where the catalogue has the entry."""
    return str((entry or {}).get("architecture", name)).partition(".")[0]


def _conditions(limits: Limits) -> list[tuple[str, Any]]:
    """The limits that are set: the reason to leave a checkpoint out, and the mask of those to keep."""
    found: list[tuple[str, Any]] = []
    if limits.max_params is not None:
        found.append(
            (
                f"more than {limits.max_params:g} M parameters, or an unknown number",
                lambda table: table["params_millions"] <= limits.max_params,
            )
        )
    if limits.min_images_per_second is not None:
        found.append(
            (
                f"fewer than {limits.min_images_per_second:g} images/s, or an unknown number",
                lambda table: table["images_per_second"] >= limits.min_images_per_second,
            )
        )
    if limits.licence is not None:
        found.append(
            (
                f"a licence that is not {limits.licence}, or unknown",
                lambda table: table["licence"].map(licence_kind) == limits.licence,
            )
        )
    return found
