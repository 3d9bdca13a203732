"""One step of training. Runs, the estimate of their cost, and the benchmark share it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch

from pedrank.features.float_precision import computing_in
from pedrank.features.normalise import mean_and_std, standardise
from pedrank.finetune.cosine_schedule import cosine_rate
from pedrank.finetune.model import assemble
from pedrank.finetune.protocol import Options
from pedrank.finetune.sgd import gradients, nesterov, smaller
from pedrank.finetune.state import Progress


@dataclass(frozen=True)
class Training:
    """A model on its device, with everything that training needs."""

    model: torch.nn.Module
    forward: Callable[[torch.Tensor], torch.Tensor]  # the model, compiled if `options.compile`
    trained: Mapping[str, torch.Tensor]  # the weights that train, by name
    velocity: Mapping[str, torch.Tensor]
    mean: torch.Tensor  # (3,), for images in [0, 1]
    std: torch.Tensor
    options: Options

    def tensors(self) -> dict[str, torch.Tensor]:
        """Every tensor that training changes, by name: weights, buffers and velocities."""
        weights = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        return weights | {f"velocity.{name}": tensor for name, tensor in self.velocity.items()}


def prepare_training(
    network: torch.nn.Module,
    normalisation: Mapping[str, Sequence[float]],
    classes: int,
    options: Options,
    generator: torch.Generator,
    device: torch.device,
) -> Training:
    """A copy of `network` under a random head, before its first step: all velocities are 0.

    Args:
        network: Maps (B, 3, H, W) to (B, D), with `feature_dim` D; not changed.
        normalisation: "mean" and "std" of the three channels.
        classes: Outputs of the head.
        options: How to train.
        generator: Source of the head's weights.
        device: Where to train.

    Returns:
        The model in channels-last memory, with its state.
    """
    model = assemble(network, classes, options, generator).to(device).to(memory_format=torch.channels_last)
    trained = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    velocity = {name: torch.zeros_like(weight) for name, weight in trained.items()}
    mean, std = mean_and_std(normalisation, device)
    forward = torch.compile(model) if options.compile else model
    return Training(model, forward, trained, velocity, mean, std, options)


def take_step(
    training: Training, pixels: torch.Tensor, targets: torch.Tensor, step: int, progress: Progress
) -> torch.Tensor:
    """Train on one batch and return its loss.

    If memory runs out, the same step is computed in parts half as large.

    Args:
        training: The model and its state; changed.
        pixels: (B, H, W, 3) from 0 to 255.
        targets: (B,) classes, or (B, C) as in pedrank/finetune/accuracy.py.
        step: Step of training, counted from 0.
        progress: Its step and, if memory ran out, its micro-batch are updated.

    Returns:
        The loss, a scalar on the device.

    Raises:
        InputError: A single image does not fit into the memory.
    """
    options, weights = training.options, list(training.trained.values())
    running = [buffer for buffer in training.model.buffers() if buffer.is_floating_point()]
    before = [buffer.clone() for buffer in running]
    inputs = standardise(pixels, training.mean, training.std)
    while True:
        try:
            with computing_in(options.precision, pixels.device.type):
                loss, slopes = gradients(training.forward, inputs, targets, weights, progress.micro_batch)
            break
        except torch.OutOfMemoryError:
            progress.micro_batch = smaller(progress.micro_batch)
            for buffer, kept in zip(running, before, strict=True):
                buffer.copy_(kept)  # undo the failed attempt
    now = cosine_rate(options.learning_rate, step, options.steps)
    nesterov(weights, list(training.velocity.values()), slopes, now, options.weight_decay)
    progress.step = step + 1
    return loss
