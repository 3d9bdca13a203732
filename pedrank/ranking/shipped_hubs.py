"""The hubs of evidence that are shipped with the package."""

from __future__ import annotations

import pandas as pd

from pedrank.catalogue.catalogue import catalogue
from pedrank.ranking.evidence_hub import Hub, hub_of
from pedrank.store.artefacts import read_csv
from pedrank.utils.paths import PACKAGE, PUBLISHED

EVIDENCE = PACKAGE / "evidence"  # tables that this repository's workflow made; its README says how
# Hubs whose checkpoints and datasets are also in another one: they are judged, and never fitted beside it.
PART_OF = {"quickstart": "evidence"}
_PAPERS = ("nleep", "parc", "logme", "sfda", "gbc")  # the metrics of Table 1
# Printed by mistake (pedrank/published/README.md): NCE repeats LogME, and the H-score exceeds its bound.
_WRONG = (("dtd", "nce"), ("dtd", "h_score"))


def shipped_hubs() -> dict[str, Hub]:
    """The hubs by name: paper, sfda-cnn, sfda-vit, itm, tll, quickstart, evidence.

    The last three have scores of single checkpoints; of the paper's, tau_w alone is published. ImageNet accuracies
    are known for the paper's checkpoints (linear classifiers), and for those of sfda-cnn and tll (torchvision's first
    weights). The paper's hub holds the ten datasets of its Table 1.

    >>> {name: hub.accuracies.shape for name, hub in shipped_hubs().items()}["tll"]
    (10, 8)
    """
    taus = read_csv(PUBLISHED / "table1.csv")
    full = read_csv(PUBLISHED / "accuracy.csv")
    full = full[(full["regime"] == "full") & full["dataset"].isin(taus["dataset"])]
    linear = pd.Series({name: entry.get("linear") for name, entry in catalogue("checkpoints").items()}, dtype=float)
    torchvision = read_csv(PUBLISHED / "torchvision-imagenet.csv")
    first = torchvision[torchvision["weights"] == "IMAGENET1K_V1"].set_index("model")["imagenet_top1"]
    supervised = read_csv(PUBLISHED / "accuracy-supervised.csv")
    supervised = supervised[supervised["regime"] == "full"]
    studies = {str(name): rows for name, rows in supervised.groupby("study")}
    of_tll = read_csv(PUBLISHED / "scores-tll.csv")
    wrong = pd.MultiIndex.from_frame(of_tll[["dataset", "metric"]]).isin(_WRONG)
    return {
        "paper": hub_of(full, imagenet=linear, taus=taus),
        "sfda-cnn": hub_of(studies["sfda-cnn"], imagenet=first),
        "sfda-vit": hub_of(studies["sfda-vit"]),
        "itm": hub_of(studies["itm"]),
        "tll": hub_of(studies["tll"], of_tll[~wrong], imagenet=first),
        "quickstart": hub_of(
            read_csv(EVIDENCE / "quickstart-accuracy.csv"), read_csv(EVIDENCE / "quickstart-scores.csv")
        ),
        "evidence": hub_of(
            read_csv(EVIDENCE / "evidence-accuracy.csv"), long_scores(read_csv(EVIDENCE / "evidence-scores.csv"))
        ),
    }


def long_scores(wide: pd.DataFrame) -> pd.DataFrame:
    """Scores with a row for each method.

    Args:
        wide: dataset, checkpoint, d (features), class_overlap, and a column for each method.

    Returns:
        dataset, checkpoint, metric (the method), score; of the refinements, only those that the paper has.
    """
    refined = [f"{metric}+{refinement}" for metric in _PAPERS for refinement in ("ped-0.3", "ped-0.6")]
    known, others = ["dataset", "checkpoint"], ["d", "class_overlap"]
    methods = [name for name in wide if name not in (*known, *others) and ("+" not in name or name in refined)]
    return wide[[*known, *methods]].melt(known, var_name="metric", value_name="score")
