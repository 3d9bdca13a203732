"""Make a checkpoint of the tiny zoo: pre-train it, measure it, and write weights, card and reference statistics."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from pedrank.pretrain.knn_accuracy import knn_accuracy
from pedrank.pretrain.loop import NORMALISATION, OPTIMISER, encode, pretrain, random_network
from pedrank.pretrain.objectives import OBJECTIVES
from pedrank.pretrain.recipe import Recipe
from pedrank.store.artefacts import read_arrays, read_metadata, write_arrays, write_json
from pedrank.utils.errors import InputError
from pedrank.utils.version import VERSION

TEST = 2  # index into the splits train, validation, test
REFERENCE = "CIFAR-10 test"


def make_checkpoint(
    recipe: Recipe,
    data: str | os.PathLike,
    device: torch.device,
    weights_path: str | os.PathLike,
    card_path: str | os.PathLike,
    reference_path: str | os.PathLike,
    report: Callable[[int, float], None] = lambda epoch, loss: None,
) -> None:
    """Pre-train on a random subset of the training images, and write the three files.

    The subset is the same for all objectives and seeds. Labels are used only to measure the result: the accuracy of
    the 20 nearest neighbours, with the subset as the bank and the test images as queries.

    Args:
        recipe: Objective, network, epochs, size of the subset, and seed.
        data: An artefact with images (N, 32, 32, 3), labels and split.
        device: Where to train.
        weights_path: Where to write the weights.
        card_path: Where to write recipe, data, versions and accuracies.
        reference_path: Where to write mean and standard deviation of the features of the test images.
        report: Called after each epoch with its number, counted from 0, and its mean loss.

    Raises:
        InputError: Unknown objective, or fewer training images than the recipe's.
    """
    bank, bank_labels, queries, labels = (array.to(device) for array in _subset(data, recipe.images))
    start = time.perf_counter()
    network = pretrain(recipe, bank, bank_labels, report)
    seconds = time.perf_counter() - start

    def accuracy(of: nn.Module) -> float:
        return round(100 * knn_accuracy(encode(of, bank), bank_labels, encode(of, queries), labels), 2)

    random = random_network(recipe.seed, recipe.architecture).to(device).eval()
    method = OBJECTIVES.get(recipe.objective)
    card = {
        "objective": recipe.objective,
        "paper": method.paper if method else "",
        "architecture": recipe.architecture,
        "normalisation": NORMALISATION,
        "recipe": {**OPTIMISER, **method.recipe, "views": method.views} if method else {},
        "seed": recipe.seed,
        "images": recipe.images,
        "epochs": recipe.epochs if method else 0,
        "device": device.type,
        "threads": torch.get_num_threads(),
        "seconds": round(seconds),
        "data": {key: read_metadata(data).get(key) for key in ("source", "licence")},
        "knn_accuracy": accuracy(network),
        "knn_accuracy_random": accuracy(random),
        "versions": _versions(),
    }
    features = encode(network, queries).double().cpu().numpy()
    metadata = {
        "architecture": recipe.architecture,
        "normalisation": NORMALISATION,
        "objective": recipe.objective,
        "seed": recipe.seed,
    }
    write_arrays(weights_path, {name: w.cpu().numpy() for name, w in network.state_dict().items()}, metadata)
    write_arrays(
        reference_path,
        {"mean": features.mean(axis=0), "std": features.std(axis=0)},
        {"n": len(features), "images": REFERENCE},
    )
    write_json(card_path, card)


def _subset(data: str | os.PathLike, images: int) -> list[torch.Tensor]:
    """A fixed random subset of the training images and their labels, then all test images and theirs."""
    arrays = read_arrays(data, "images", "labels", "split")
    rows = np.flatnonzero(arrays["split"] != TEST)
    if not 0 < images <= len(rows):
        raise InputError(
            f"{data}: {images} training images are wanted, but there are {len(rows)}; set --images from 1 to "
            f"{len(rows)}"
        )
    rows = np.sort(np.random.default_rng(0).permutation(rows)[:images])
    test = arrays["split"] == TEST
    chosen = [arrays["images"][rows], arrays["labels"][rows], arrays["images"][test], arrays["labels"][test]]
    return [torch.from_numpy(np.ascontiguousarray(array)) for array in chosen]


def _versions() -> dict[str, Any]:
    import lightly

    return {
        "pedrank": VERSION,
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "lightly": lightly.__version__,
    }
