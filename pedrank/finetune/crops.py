"""RandomResizedCrop and horizontal flip of a whole batch: area 8 to 100 %, aspect 3/4 to 4/3, bicubic.

Cropping and resampling are linear in the image and separable: one matrix acts on the rows, one on the columns, and a
flip reverses the columns. So two batched matrix products crop a batch, on the CPU or on a GPU.
"""

from __future__ import annotations

import math

import torch

AREA = (0.08, 1.0)
ASPECT = (3 / 4, 4 / 3)
TRIES = 10
CUBIC = -0.5  # Keys' coefficient, Pillow's


def random_boxes(n: int, side: int, generator: torch.Generator) -> torch.Tensor:
    """Random crops of a square image, drawn as torchvision draws them.

    Area is uniform, aspect is log-uniform. Of ten tries the first that fits is taken, else the whole image.

    Args:
        n: Number of crops.
        side: Side of the image in pixels.
        generator: Source of the random numbers, on the CPU.

    Returns:
        (n, 4) integers: top, left, height, width.
    """
    area = _uniform((n, TRIES), *AREA, generator) * side**2
    aspect = torch.exp(_uniform((n, TRIES), math.log(ASPECT[0]), math.log(ASPECT[1]), generator))
    width, height = torch.round(torch.sqrt(area * aspect)), torch.round(torch.sqrt(area / aspect))
    fits = (width >= 1) & (width <= side) & (height >= 1) & (height <= side)
    first = fits.int().argmax(dim=1, keepdim=True)
    found = fits.any(dim=1)
    width = torch.where(found, width.gather(1, first)[:, 0], torch.tensor(float(side)))
    height = torch.where(found, height.gather(1, first)[:, 0], torch.tensor(float(side)))
    top = torch.floor(torch.rand(n, generator=generator) * (side - height + 1))
    left = torch.floor(torch.rand(n, generator=generator) * (side - width + 1))
    return torch.stack([top, left, height, width], dim=1).long()


def random_flips(n: int, generator: torch.Generator) -> torch.Tensor:
    """(n,) booleans, each true with probability 1/2: whether an image is mirrored."""
    return torch.rand(n, generator=generator) < 0.5


def crop_and_flip(images: torch.Tensor, boxes: torch.Tensor, flips: torch.Tensor, size: int) -> torch.Tensor:
    """Crops of images, resampled by Pillow's bicubic filter (without its rounding to integers).

    Args:
        images: (N, S, S, 3) uint8.
        boxes: (N, 4) integers: top, left, height, width.
        flips: (N,) booleans, true to mirror.
        size: Side of the result in pixels.

    Returns:
        (N, size, size, 3) float32 from 0 to 255, channels first in memory.

    >>> image = torch.arange(12, dtype=torch.uint8).view(1, 2, 2, 3)
    >>> whole, mirror = torch.tensor([[0, 0, 2, 2]]), torch.tensor([True])
    >>> crop_and_flip(image, whole, mirror, 2)[0, 0].tolist()  # at its own size, only mirrored
    [[3.0, 4.0, 5.0], [0.0, 1.0, 2.0]]
    """
    side = images.shape[1]
    boxes, flips = boxes.to(images.device), flips.to(images.device)
    rows = _resampling(boxes[:, 0], boxes[:, 2], side, size)
    columns = _resampling(boxes[:, 1], boxes[:, 3], side, size)
    columns = torch.where(flips[:, None, None], columns.flip(1), columns)
    planes = images.permute(0, 3, 1, 2).float()
    cut = rows[:, None] @ planes @ columns[:, None].transpose(2, 3)
    return cut.clamp(0, 255).permute(0, 2, 3, 1)


def _resampling(start: torch.Tensor, length: torch.Tensor, side: int, size: int) -> torch.Tensor:
    """(N, size, side) weights that resample pixels start .. start + length - 1 of `side` to `size`; rows sum to 1."""
    scale = (length / size)[:, None, None]
    pixel = torch.arange(side, device=start.device)
    output = torch.arange(size, device=start.device)
    centre = start[:, None, None] + (output[None, :, None] + 0.5) * scale
    weights = _cubic((pixel + 0.5 - centre) / scale.clamp(min=1))  # a wider filter when shrinking, against aliasing
    inside = (pixel >= start[:, None]) & (pixel < (start + length)[:, None])
    weights = weights * inside[:, None]
    return weights / weights.sum(dim=2, keepdim=True)


def _cubic(x: torch.Tensor) -> torch.Tensor:
    """Keys' cubic convolution kernel."""
    x = x.abs()
    near = ((CUBIC + 2) * x - (CUBIC + 3)) * x * x + 1
    far = CUBIC * (((x - 5) * x + 8) * x - 4)
    return torch.where(x < 1, near, torch.where(x < 2, far, torch.zeros_like(x)))


def _uniform(shape: tuple[int, int], low: float, high: float, generator: torch.Generator) -> torch.Tensor:
    return torch.rand(shape, generator=generator) * (high - low) + low
