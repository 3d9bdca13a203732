"""Random views of a whole batch: each image gets its own crop, flip and colours (Chen et al. 2020, appendix A).

All random numbers come from the given generator.
"""

from __future__ import annotations

import math

import torch
from torch.nn import functional

CROP_AREA = (0.2, 1.0)
CROP_ASPECT = (3 / 4, 4 / 3)
JITTER = 0.4  # of brightness, contrast and saturation
HUE = 0.1  # of a full turn
JITTER_PROBABILITY = 0.8
GREY_PROBABILITY = 0.2

_LUMA = (0.299, 0.587, 0.114)
_RGB_TO_YIQ = ((0.299, 0.587, 0.114), (0.5959, -0.2746, -0.3213), (0.2115, -0.5227, 0.3112))


def random_views(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """One random view of each image: cropped, flipped and recoloured.

    Args:
        images: (N, 3, H, W) float32 in [0, 1].
        generator: Source of the random numbers, on the images' device.

    Returns:
        (N, 3, H, W) in [0, 1].

    >>> random_views(torch.zeros(2, 3, 8, 8), torch.Generator().manual_seed(0)).shape
    torch.Size([2, 3, 8, 8])
    """
    return recolour(crop_and_flip(images, generator), generator)


def crop_and_flip(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """A random crop of each image, resized (bilinear) to the image's size and mirrored with probability 1/2.

    Args:
        images: (N, 3, H, W) float32.
        generator: Source of the random numbers, on the images' device.

    Returns:
        (N, 3, H, W).
    """
    n = len(images)
    area = _uniform(n, *CROP_AREA, generator)
    aspect = torch.exp(_uniform(n, math.log(CROP_ASPECT[0]), math.log(CROP_ASPECT[1]), generator))
    width = (area * aspect).sqrt().clamp(max=1.0)
    height = (area / aspect).sqrt().clamp(max=1.0)
    mirror = _uniform(n, 0.0, 1.0, generator).lt(0.5) * -2.0 + 1.0
    # In grid_sample's coordinates an image spans [-1, 1]: a crop of relative size w fits where |centre| <= 1 - w.
    transform = torch.zeros(n, 2, 3, device=images.device)
    transform[:, 0, 0] = width * mirror
    transform[:, 1, 1] = height
    transform[:, 0, 2] = _uniform(n, -1.0, 1.0, generator) * (1 - width)
    transform[:, 1, 2] = _uniform(n, -1.0, 1.0, generator) * (1 - height)
    grid = functional.affine_grid(transform, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)


def recolour(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Colour jitter with probability 0.8, then grey with probability 0.2.

    Brightness b, contrast c, saturation and hue are linear in an image x. So each image needs one 3 x 3 matrix and one
    offset: x -> b c M x + b (1 - c) mean luma, clipped to [0, 1] once at the end. M rotates the hue in the YIQ plane.

    Args:
        images: (N, 3, H, W) float32 in [0, 1].
        generator: Source of the random numbers, on the images' device.

    Returns:
        (N, 3, H, W) in [0, 1].
    """
    n = len(images)
    device = images.device
    jittered = _uniform(n, 0.0, 1.0, generator) < JITTER_PROBABILITY
    grey = _uniform(n, 0.0, 1.0, generator) < GREY_PROBABILITY
    one = torch.ones(n, device=device)
    brightness, contrast, saturation = (
        torch.where(jittered, _uniform(n, 1 - JITTER, 1 + JITTER, generator), one) for _ in range(3)
    )
    angle = torch.where(jittered, _uniform(n, -HUE, HUE, generator), 0 * one) * (2 * math.pi)
    luma = torch.tensor(_LUMA, device=device)
    identity = torch.eye(3, device=device)
    to_grey = luma.expand(3, 3)  # every row weighs red, green and blue into the luma
    saturate = saturation[:, None, None] * identity + (1 - saturation)[:, None, None] * to_grey
    matrix = torch.where(grey[:, None, None], to_grey, _hue_rotation(angle) @ saturate)
    mean_luma = images.mean(dim=(2, 3)) @ luma
    gain = (brightness * contrast)[:, None, None]
    offset = (brightness * (1 - contrast) * mean_luma)[:, None, None]
    return (torch.baddbmm(offset, gain * matrix, images.flatten(2))).clamp(0, 1).reshape(images.shape)


def _hue_rotation(angle: torch.Tensor) -> torch.Tensor:
    """(N,) angles to (N, 3, 3) matrices that rotate the chroma plane of YIQ and leave greys unchanged."""
    to_yiq = torch.tensor(_RGB_TO_YIQ, device=angle.device)
    turn = torch.zeros(len(angle), 3, 3, device=angle.device)
    turn[:, 0, 0] = 1
    turn[:, 1, 1] = turn[:, 2, 2] = angle.cos()
    turn[:, 1, 2] = -angle.sin()
    turn[:, 2, 1] = angle.sin()
    return torch.linalg.inv(to_yiq) @ turn @ to_yiq


def _uniform(n: int, low: float, high: float, generator: torch.Generator) -> torch.Tensor:
    return torch.rand(n, generator=generator, device=generator.device) * (high - low) + low
