"""One step of training, as runs, the estimate and the benchmark take it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch

from pedrank.finetune.batches import normalise
from pedrank.finetune.cosine_schedule import cosine_rate
from pedrank.finetune.model import assemble
from pedrank.finetune.protocol import Options
from pedrank.finetune.sgd import gradients, nesterov, smaller
from pedrank.finetune.state import Progress


@dataclass(frozen=True)
class Training:
    """A model on its device, and what training it takes."""

    model: torch.nn.Module
    forward: Callable[[torch.Tensor], torch.Tensor]  # the model, or what torch.compile made of it
    trained: Mapping[str, torch.Tensor]  # the weights that train, by name
    velocity: Mapping[str, torch.Tensor]
    mean: torch.Tensor  # (3,), for images in [0, 1]
    std: torch.Tensor
    options: Options

    def tensors(self) -> dict[str, torch.Tensor]:
        """All that training changes."""
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
    """A copy of `network` under a head drawn from `generator`, in channels-last memory, at rest."""
    model = assemble(network, classes, options, generator).to(device).to(memory_format=torch.channels_last)
    trained = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    velocity = {name: torch.zeros_like(weight) for name, weight in trained.items()}
    mean, std = (torch.tensor(normalisation[key], dtype=torch.float32, device=device) for key in ("mean", "std"))
    forward = torch.compile(model) if options.compile else model
    return Training(model, forward, trained, velocity, mean, std, options)


def take_step(
    training: Training, pixels: torch.Tensor, targets: torch.Tensor, step: int, progress: Progress
) -> torch.Tensor:
    """Train on one batch (B, H, W, 3), 0..255, and return its loss; where memory ends, in parts half as large.

    Counts the step in `progress`.
    """
    options, weights = training.options, list(training.trained.values())
    running = [buffer for buffer in training.model.buffers() if buffer.is_floating_point()]
    before = [buffer.clone() for buffer in running]
    inputs = normalise(pixels, training.mean, training.std)
    while True:
        try:
            with torch.autocast(pixels.device.type, torch.bfloat16, enabled=options.precision == "bfloat16"):
                loss, slopes = gradients(training.forward, inputs, targets, weights, progress.micro_batch)
            break
        except torch.OutOfMemoryError:
            progress.micro_batch = smaller(progress.micro_batch)
            for buffer, kept in zip(running, before, strict=True):
                buffer.copy_(kept)  # as if the failed attempt had not been
    now = cosine_rate(options.learning_rate, step, options.steps)
    nesterov(weights, list(training.velocity.values()), slopes, now, options.weight_decay)
    progress.step = step + 1
    return loss
