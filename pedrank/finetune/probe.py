"""A probe: seconds per image and memory on this machine, from a few steps of training on random images."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
import torch

from pedrank.finetune.batches import augmented, fetched, shuffled
from pedrank.finetune.precision import fastest
from pedrank.finetune.protocol import Options
from pedrank.finetune.state import Progress
from pedrank.finetune.step import prepare_training, take_step
from pedrank.finetune.train import predict
from pedrank.networks.build import build
from pedrank.networks.feature_dim import feature_dim
from pedrank.networks.head import annotate
from pedrank.runtime.device import wait_for

STEPS = 30
WARM_UP = 3  # untimed steps, in which kernels are chosen and memory is allocated
LONGEST = 60.0  # seconds of training; a slow machine times fewer steps
CPU_PIXELS = 8 * 224**2  # of a batch on a CPU; time is proportional to them, and more may not fit into the memory
HALF = {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}


@dataclass(frozen=True)
class Probe:
    """Cost of one image."""

    train_seconds: float  # per image, augmentation and optimiser included
    test_seconds: float  # per image
    weights: int  # bytes of the network in float32
    memory: int | None  # bytes of the device at the peak of training; None on a CPU
    steps: int  # timed steps
    batch_size: int  # in the timed steps


def probe(
    architecture: str, classes: int, size: int, source_size: int, options: Options, device: torch.device
) -> Probe:
    """Time 30 steps of training (fewer if they take more than one minute), then one batch in the test.

    Args:
        architecture: A name of pedrank/networks/resnets.py; its weights are random.
        classes: Outputs of the head.
        size: Side of the images that the network sees.
        source_size: Side of the images that crops are taken from.
        options: Options of a run. On a CPU, the batch is limited to the pixels of 8 images of 224 x 224.
        device: Where to compute.
    """
    batch = options.batch_size if device.type == "cuda" else min(options.batch_size, max(1, CPU_PIXELS // size**2))
    precision = fastest(device) if options.precision == "auto" else options.precision
    options = replace(options, steps=WARM_UP + STEPS, batch_size=batch, precision=precision)
    random = np.random.default_rng(0)
    side = size if options.augmentation == "none" else source_size
    images = random.integers(0, 256, (2 * batch, side, side, 3), np.uint8)
    labels = torch.from_numpy(random.integers(0, classes, 2 * batch)).to(device)
    generator = torch.Generator().manual_seed(0)
    network = build(architecture)
    annotate(network, feature_dim=feature_dim(network, size))
    training = prepare_training(network, HALF, classes, options, generator, device)
    order = shuffled(len(images), options, generator)
    progress = Progress(batch)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    began = start = _now(device)
    for step, pixels in enumerate(fetched(images, order, device)):
        take_step(training, augmented(pixels, size, options, 0, step), labels[order[step]], step, progress)
        if step + 1 == WARM_UP:
            start = _now(device)
        if step >= WARM_UP and time.monotonic() - began > LONGEST:
            break
    steps = progress.step - WARM_UP
    train_seconds = (_now(device) - start) / (steps * batch)
    memory = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None
    judged = random.integers(0, 256, (batch, size, size, 3), np.uint8)
    predict(training.model, judged, np.arange(batch), training.mean, training.std)
    start = _now(device)
    predict(training.model, judged, np.arange(batch), training.mean, training.std)
    test_seconds = (_now(device) - start) / batch
    weights = 4 * sum(tensor.numel() for tensor in network.state_dict().values())
    return Probe(train_seconds, test_seconds, weights, memory, steps, batch)


def _now(device: torch.device) -> float:
    wait_for(device)
    return time.monotonic()
