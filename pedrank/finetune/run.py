"""Runs as artefacts: one JSON file per run, written when the run has ended, with its timing beside it."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from pedrank.checkpoints.network_file import load_network as load_checkpoint
from pedrank.datasets.dataset import fingerprint
from pedrank.finetune.precision import fastest
from pedrank.finetune.protocol import Options, Point
from pedrank.finetune.train import finetune
from pedrank.finetune.training_images import Images, load_training_images
from pedrank.store.artefacts import read_json, sha256, write_json
from pedrank.store.timing import timing_file
from pedrank.utils.version import VERSION

TRAINED_ON = {"validation": ["train"], "test": ["train", "validation"]}


@dataclass(frozen=True)
class Pair:
    """One checkpoint on one dataset."""

    network: torch.nn.Module
    normalisation: Mapping[str, Sequence[float]]
    images: Images
    made_from: Mapping[str, str]  # hashes of the input files, of their origins, and of the code
    checkpoint: str
    device: torch.device


def pair(
    images: str | os.PathLike,
    checkpoint: str | os.PathLike,
    metric: str = "top-1",
    source: str | os.PathLike | None = None,
    code: str = "",
    device: str | torch.device = "cpu",
) -> Pair:
    """Read a dataset and a checkpoint.

    Args:
        images: The prepared dataset, at the size that networks see.
        checkpoint: A converted checkpoint.
        metric: The dataset's accuracy, a key of `pedrank.finetune.accuracy.ACCURACIES`.
        source: The same dataset at the size that random crops are cut from; only with augmentation.
        code: Digest of the code that decides the numbers; a finished run is reused only if it is the same.
        device: Where runs compute.

    Raises:
        InputError: A file is damaged or does not fit the others.
    """
    network, normalisation = load_checkpoint(checkpoint)
    made_from = {"images": fingerprint(images), "checkpoint": sha256(checkpoint), "code": code}
    if source is not None:
        made_from["source"] = fingerprint(source)
    name = Path(checkpoint).stem
    return Pair(
        network, normalisation, load_training_images(images, metric, source), made_from, name, torch.device(device)
    )


def run(
    pair: Pair,
    path: Path,
    stage: str,
    options: Options,
    seed: int,
    finished: Callable[[torch.nn.Module], None] | None = None,
) -> dict[str, Any]:
    """The record of one run: an existing one if inputs, options, seed and code are the same, else a new one.

    An unfinished run with the same inputs, options, seed and code is resumed.

    Args:
        pair: One checkpoint on one dataset.
        path: The run's JSON file; its timing and its state lie beside it.
        stage: "validation" trains on training images; "test" trains on training and validation images. The run is
            tested on the split of this name.
        options: How to train.
        seed: Seed of head, order, crops and dropout.
        finished: Called with the trained model; not if an existing record is returned, or the run diverged.

    Returns:
        Options, hashes, accuracy in percent, training curve, and whether the run diverged.

    Raises:
        InputError: See `pedrank.finetune.train.finetune`.
        SystemExit: SIGTERM arrived; the state is saved.
    """
    train = TRAINED_ON[stage]
    if options.precision == "auto":
        options = replace(options, precision=fastest(pair.device))
    record: dict[str, Any] = {
        "stage": stage,
        "train": train,
        "metric": pair.images.metric,
        "options": asdict(options),
        "seed": seed,
    } | dict(pair.made_from)
    record["hash"] = hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
    if path.exists() and timing_file(path).exists() and (kept := read_json(path)).get("hash") == record["hash"]:
        return kept
    state = path.with_suffix(".state.safetensors")
    outcome = finetune(
        pair.network,
        pair.normalisation,
        pair.images,
        train,
        [stage],
        options,
        seed,
        pair.device,
        state,
        record["hash"],
        finished,
    )
    found = asdict(outcome)
    seconds = found.pop("seconds")
    write_json(
        timing_file(path),
        {
            "seconds": seconds,
            "images_per_second": options.steps * options.batch_size / seconds,
            "device": torch.cuda.get_device_name(pair.device) if pair.device.type == "cuda" else pair.device.type,
        },
    )
    record |= {"pedrank": VERSION} | found
    write_json(path, record)
    state.unlink(missing_ok=True)
    print(_line(pair, record, seconds), file=sys.stderr, flush=True)
    return read_json(path)


def point(record: Mapping[str, Any]) -> Point:
    """Learning rate and weight decay of a run's record."""
    return record["options"]["learning_rate"], record["options"]["weight_decay"]


def _line(pair: Pair, record: Mapping[str, Any], seconds: float) -> str:
    options = record["options"]
    result = "diverged" if record["diverged"] else f"{record['accuracy']:.1f} %"
    return (
        f"{pair.images.name}, {pair.checkpoint}: lr {options['learning_rate']:g}, wd {options['weight_decay']:g}, "
        f"{options['steps']} steps, seed {record['seed']}: {record['stage']} {result} ({seconds:.1f} s)"
    )
