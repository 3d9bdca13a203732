"""One run: train a checkpoint under a new head on some splits of a dataset, then test it on another."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from pedrank.features.float_precision import computing_in
from pedrank.features.normalise import standardise
from pedrank.finetune import state
from pedrank.finetune.accuracy import accuracy, chance, counted
from pedrank.finetune.batches import augmented, fetched, shuffled
from pedrank.finetune.protocol import Options
from pedrank.finetune.sgd import smaller
from pedrank.finetune.step import prepare_training, take_step
from pedrank.finetune.training_images import Images
from pedrank.runtime.device import wait_for

EVALUATION_BATCH = 512
CURVE_POINTS = 16


@dataclass(frozen=True)
class Outcome:
    """The result of one run."""

    accuracy: float  # in percent, by the dataset's metric; chance level if the run diverged
    diverged: bool  # the loss or the outputs stopped being finite
    curve: list[tuple[int, float]]  # (step, training loss), at most sixteen
    weights: str  # sha256 of the final weights
    micro_batch: int  # images computed at once; below the batch size only if memory ran out
    seconds: float  # of training, including those before an interruption


def finetune(
    network: torch.nn.Module,
    normalisation: Mapping[str, Sequence[float]],
    images: Images,
    train: Sequence[str],
    test: Sequence[str],
    options: Options,
    seed: int,
    device: str | torch.device = "cpu",
    kept: Path | None = None,
    run: str = "",
    finished: Callable[[torch.nn.Module], None] | None = None,
) -> Outcome:
    """Train a copy of `network` under a new linear head on the splits `train`, then test it on the splits `test`.

    SGD with Nesterov momentum 0.9, a cosine schedule without restarts, and cross-entropy (binary cross-entropy if
    images have several labels). `seed` decides the head, the order of the images (shuffled anew each epoch), their
    crops, and dropout. If memory runs out, the same step is computed in parts half as large; batch normalisation then
    normalises each part by itself. The test is in float32, without augmentation.

    Args:
        network: Maps (B, 3, H, W) to (B, D), with `feature_dim` D; not changed.
        normalisation: "mean" and "std" of the three channels.
        images: Pixels, targets, splits, and the name of the accuracy.
        train: Names of the splits to train on.
        test: Names of the splits to test on.
        options: Learning rate, weight decay, steps, batch size, and how to train.
        seed: Seed of head, order, crops and dropout.
        device: Where to compute.
        kept: File for the state of the unfinished run. It is written every three minutes, and on SIGTERM if the process
            has called `state.heed_sigterm`. If the file exists, the run resumes from it.
        run: Identifies this run; the state of another run is not resumed.
        finished: Called with the trained model after its test, if the run did not diverge: a Sequential of the network
            and its head, in evaluation mode.

    Returns:
        Accuracy, training curve, hash of the final weights, and seconds of training.

    Raises:
        InputError: A split is empty, or a single image does not fit into the memory.
        SystemExit: SIGTERM arrived; the state is saved.
    """
    device = torch.device(device)
    rows, judged = images.rows(*train), images.rows(*test)
    generator = torch.Generator().manual_seed(seed)
    training = prepare_training(network, normalisation, images.classes, options, generator, device)
    order = rows[shuffled(len(rows), options, generator)]
    tensors = training.tensors()
    progress = state.Progress(options.batch_size)
    if kept is not None:
        state.resume(kept, run, tensors, progress)
    source = images.pixels if options.augmentation == "none" else images.source
    images = replace(images, targets=counted(images.targets, options.difficult))
    targets = torch.from_numpy(images.targets)
    saved = time.monotonic()
    start = saved - progress.seconds

    for step, pixels in enumerate(fetched(source, order[progress.step :], device), progress.step):
        shown = augmented(pixels, images.pixels.shape[1], options, seed, step)
        torch.manual_seed(seed * options.steps + step)  # for dropout, which networks of other packages may have
        loss = take_step(training, shown, targets[order[step]].to(device), step, progress)
        if step % math.ceil(options.steps / CURVE_POINTS) == 0:
            if not math.isfinite(loss.item()):
                return _outcome(None, images, judged, options, training.model, progress, time.monotonic() - start)
            progress.curve.append((step, loss.item()))
        if kept is not None and (state.STOP.is_set() or time.monotonic() - saved > state.SAVE_SECONDS):
            saved = time.monotonic()
            progress.seconds = saved - start
            state.save(kept, run, tensors, progress)
            if state.STOP.is_set():
                raise SystemExit(f"stopped by SIGTERM after step {step + 1}; run the same command to continue")
    wait_for(device)
    seconds = time.monotonic() - start
    outputs = predict(training.model, images.pixels, judged, training.mean, training.std)
    if finished is not None and outputs is not None:
        finished(training.model)
    return _outcome(outputs, images, judged, options, training.model, progress, seconds)


def predict(
    model: torch.nn.Module, images: np.ndarray, rows: np.ndarray, mean: torch.Tensor, std: torch.Tensor
) -> np.ndarray | None:
    """The outputs of a model for some images, in float32 and without augmentation.

    Args:
        model: Maps (B, 3, H, W) to (B, C); set to evaluation mode.
        images: (N, H, W, 3) uint8.
        rows: (M,) rows of `images`.
        mean: (3,) on the model's device, for images in [0, 1].
        std: (3,) likewise.

    Returns:
        (M, C), or None if an output is not finite.

    Raises:
        InputError: A single image does not fit into the memory.
    """
    model.eval()
    outputs: list[torch.Tensor] = []
    size, done = EVALUATION_BATCH, 0
    with torch.inference_mode(), computing_in("float32", mean.device.type):
        while done < len(rows):
            try:
                pixels = torch.from_numpy(images[rows[done : done + size]]).to(mean.device)
                outputs.append(model(standardise(pixels, mean, std)).cpu())
                done += len(pixels)
            except torch.OutOfMemoryError:
                size = smaller(size)
    found = torch.cat(outputs)
    return found.numpy() if found.isfinite().all() else None


def _outcome(
    outputs: np.ndarray | None,
    images: Images,
    judged: np.ndarray,
    options: Options,
    model: torch.nn.Module,
    progress: state.Progress,
    seconds: float,
) -> Outcome:
    targets = images.targets[judged]
    if outputs is None:
        reached = chance(targets, images.classes)
    else:
        reached = accuracy(images.metric, outputs, targets, options.average_precision)
    return Outcome(
        accuracy=reached,
        diverged=outputs is None,
        curve=progress.curve,
        weights=state.weights_sha256(model),
        micro_batch=progress.micro_batch,
        seconds=seconds,
    )
