"""The winner's fine-tuned weights, kept: its first test run once more, with its network and a model card.

Runs keep no weights: those of all runs would fill the disk. On one machine a run repeats itself, so one more run gives
the weights behind a recorded accuracy.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from torch import nn

from pedrank.catalogue.catalogue import catalogue, files
from pedrank.catalogue.crop import crop_name, parse_crop
from pedrank.finetune.arguments import pairs
from pedrank.finetune.protocol import Options
from pedrank.finetune.run import run
from pedrank.formats.yaml_file import read_yaml
from pedrank.networks.whole import whole_network
from pedrank.report.model_card import kept_sentences, model_card
from pedrank.store.artefacts import read_csv, read_json, read_metadata, write_arrays, write_json, write_text
from pedrank.utils.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

WEIGHTS, CARD, FACTS, RUN = "model.safetensors", "README.md", "kept.json", "run.json"


def keep_winner(arguments: argparse.Namespace) -> None:
    """Train the winner of a confirmation once more, and write its weights, model card and facts.

    Args:
        arguments: As `pedrank.finetune.arguments.parser` reads them, with winner (the confirmation), runs (the table of
            all runs), study, training and out (a folder). {crop} in images and {finetuned} in checkpoint stand for the
            winner's.

    Raises:
        InputError: All runs of the winner diverged.
    """
    confirmation = read_json(arguments.winner)
    name = confirmation["race"]["winner"] if confirmation["race"] else confirmation["best"]
    first = first_test(read_csv(arguments.runs), name)
    entry, size = catalogue("checkpoints")[name], read_yaml(arguments.study)["image_size"]
    crop = crop_name(entry, size)
    images = Path(str(arguments.images).replace("{crop}", crop))
    checkpoint = Path(str(arguments.checkpoint).replace("{finetuned}", name))
    (pair,) = pairs(argparse.Namespace(**{**vars(arguments), "images": images}), checkpoint)
    options = Options(first["learning_rate"], first["weight_decay"], **arguments.training)
    header, converted = read_metadata(images), read_metadata(checkpoint)
    card = catalogue("datasets")[pair.images.name]
    given = bool("images" in card or files(card))  # others come with a package, and are resized by one filter
    square = parse_crop(crop)._asdict() | ({} if given else {"interpolation": "bilinear"})
    built: dict[str, str] = {}

    def write(model: nn.Module) -> None:
        whole = whole_network(converted["architecture"], cast(nn.Sequential, model), square["size"])
        built.update(statement=whole.statement, expression=whole.expression)
        about = {"classes": header["class_names"], "checkpoint": name, "architecture": converted["architecture"]}
        arrays = {key: tensor.numpy() for key, tensor in whole.weights.items()}
        write_arrays(arguments.out / WEIGHTS, arrays, about | {"network": whole.expression})

    record = run(pair, arguments.out / RUN, "test", options, first["seed"], write)
    if not built:
        raise InputError(f"{name} diverged when it was trained once more, so no weights are kept; run pedrank again")
    (reached,) = (each for each in confirmation["fine_tuned"] if each["checkpoint"] == name)
    facts = built | {
        "checkpoint": name,
        "dataset": pair.images.name,
        "architecture": converted["architecture"],
        "licence": entry.get("licence"),
        "data_licence": header["licence"],
        "classes": header["class_names"],
        "several_labels": pair.images.targets.ndim == 2,
        "metric": pair.images.metric,
        "accuracy": record["accuracy"],
        "recorded": first["accuracy"],
        "mean": reached["accuracy"],
        "sd": reached["sd"],
        "seeds": reached["seeds"],
        "options": record["options"],
        "seed": record["seed"],
        "train_images": len(pair.images.rows("train", "validation")),
        "crop": square,
        "upright": "images" in card,
        "rescaled": "black_white" in header["made_by"].get("pixels", {}),
        "normalisation": dict(pair.normalisation),
        "pedrank": record["pedrank"],
    }
    write_text(arguments.out / CARD, model_card(facts))
    write_json(arguments.out / FACTS, facts | {"sentences": kept_sentences(facts)})


def first_test(runs: pd.DataFrame, checkpoint: str) -> dict[str, Any]:
    """The first test run of a checkpoint that did not diverge.

    Args:
        runs: As `pedrank.finetune.runs_table.runs_table` returns it.
        checkpoint: Its name.

    Returns:
        The run's row, with plain Python numbers.

    Raises:
        InputError: All test runs diverged.

    >>> import pandas as pd
    >>> runs = {"checkpoint": ["a", "a"], "stage": "test", "seed": [0, 1], "diverged": [True, False]}
    >>> first_test(pd.DataFrame(runs), "a")["seed"]
    1
    """
    chosen = runs[(runs["checkpoint"] == checkpoint) & (runs["stage"] == "test") & ~runs["diverged"].astype(bool)]
    if chosen.empty:
        raise InputError(
            f"all runs of {checkpoint} diverged, so there are no weights to keep; rank again without fine-tuning"
        )
    return chosen.iloc[:1].to_dict("records")[0]
