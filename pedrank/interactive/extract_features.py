"""`pedrank.extract` and `pedrank.read_images`: features of a torch module in memory, for `pedrank.rank`."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pedrank.checkpoints.normalisations import NORMALISATIONS
from pedrank.features import extraction
from pedrank.interactive.progress import progress
from pedrank.utils.errors import InputError

if TYPE_CHECKING:
    import torch

SPLITS = ("train", "validation")  # the images that `pedrank rank` scores


def extract(
    network: torch.nn.Module,
    images: str | os.PathLike | np.ndarray | torch.Tensor,
    *,
    size: int = 224,
    normalisation: str | Mapping[str, Sequence[float]] = "imagenet",
    batch_size: int = 64,
    device: str | torch.device | None = None,
) -> np.ndarray:
    """Extract features: the output of a network for each image, in evaluation mode and without gradients.

    Args:
        network: Returns (B, D) or (B, D, 1, 1) for a batch. Without its classifier, as after `network.fc =
            torch.nn.Identity()`: class scores make poor features. The training mode of its parts is restored.
        images: One of

            - (N, H, W, 3) uint8 of NumPy or torch: pixels, which are normalised;
            - an array or tensor (N, …) of any other type: what the network takes, passed on as it is;
            - a path: the images that `read_images` reads, in its order.

        size: Side of the square in pixels, if images are a path.
        normalisation: Of pixels: "imagenet", "none" (to 0..1), or "mean" and "std" of the channels, for images in
            [0, 1].
        batch_size: Images per forward pass.
        device: Device that computes, by torch's name; by default that of the network's weights.

    Returns:
        Features (N, D), float32.

    Raises:
        InputError: Images have another shape, the network returns no row per image, or a feature is not finite.

    >>> import torch
    >>> network = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())  # mean colour
    >>> extract(network, np.full((2, 4, 4, 3), 255, np.uint8), normalisation="none")
    array([[1., 1., 1.],
           [1., 1., 1.]], dtype=float32)
    >>> extract(network, torch.zeros(2, 5, 4, 4)).shape
    (2, 5)
    """
    import torch

    channels = _normalisation(normalisation)
    given = read_images(images, size)[0] if isinstance(images, (str, os.PathLike)) else images
    inputs = given if isinstance(given, torch.Tensor) else torch.from_numpy(np.array(given))
    pixels = inputs.dtype == torch.uint8
    if pixels and (inputs.ndim != 4 or inputs.shape[-1] != 3):
        raise InputError(f"extract: pixels (uint8) must have shape (N, H, W, 3), not {tuple(inputs.shape)}")
    if len(inputs) == 0:
        raise InputError("extract: no images; give at least one")
    if device is None:
        device = next((weight.device for weight in network.parameters()), torch.device("cpu"))
    modes = {module: module.training for module in network.modules()}
    hook = network.register_forward_hook(_rows)
    try:
        if pixels:
            return extraction.extract(network, inputs.cpu().numpy(), channels, batch_size, device)
        return _extract_inputs(network, inputs, batch_size, device)
    finally:
        hook.remove()
        for module, mode in modes.items():
            module.training = mode


def read_images(
    path: str | os.PathLike, size: int = 224, splits: Sequence[str] = SPLITS
) -> tuple[np.ndarray, np.ndarray]:
    """Read labelled images into memory, as `pedrank rank` reads them: the shorter side is resized, the middle is cut.

    Args:
        path: A folder with one folder per class, a table of paths and labels, or a Hugging Face dataset on disk
            (docs/own-data.md).
        size: Side of the squares in pixels. 1,000 images of 224 pixels take 150 MB.
        splits: Of "train", "validation" and "test". Test images are left out by default, so that they can test the
            chosen checkpoint. Without splits, a fifth of each class is the test set.

    Returns:
        Images (N, size, size, 3) uint8, and the names of their classes (N,). An image of several classes stands once
        under each of them.

    Raises:
        InputError: The path holds no labelled images, an image cannot be decoded, or a split has another name.

    >>> from PIL import Image
    >>> for name in ("cat", "dog"):
    ...     Path("pets", name).mkdir(parents=True)
    ...     for number in range(5):
    ...         Image.new("RGB", (40, 30)).save(f"pets/{name}/{number}.png")
    >>> images, labels = read_images("pets", size=16)
    >>> images.shape, labels.tolist()
    ((8, 16, 16, 3), ['cat', 'cat', 'cat', 'cat', 'dog', 'dog', 'dog', 'dog'])
    """
    from pedrank.catalogue.crop import parse_crop
    from pedrank.datasets.dataset import SPLITS as ALL_SPLITS
    from pedrank.datasets.dataset import load_images
    from pedrank.datasets.prepare import prepare_own
    from pedrank.datasets.scored_rows import scored_rows
    from pedrank.user_data.image_cards import images_entry

    for name in splits:
        if name not in ALL_SPLITS:
            raise InputError(f"read_images: no split '{name}'; choose from {', '.join(ALL_SPLITS)}")
    source = Path(path)
    if not source.exists():
        raise InputError(f"{source}: no such file or folder; give a folder with one folder per class")
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "images.safetensors"
        prepare_own(source.name, images_entry(source), parse_crop(str(size)), prepared, os.cpu_count() or 1)
        dataset = load_images(prepared)
        rows, labels = scored_rows(dataset, "paper", splits)
        return dataset.images[rows], np.array(dataset.class_names)[labels]


def _normalisation(given: str | Mapping[str, Sequence[float]]) -> Mapping[str, Sequence[float]]:
    if not isinstance(given, str):
        return given
    if given not in NORMALISATIONS:
        raise InputError(f"extract: no normalisation '{given}'; choose from {', '.join(NORMALISATIONS)}")
    return NORMALISATIONS[given]


def _rows(network: torch.nn.Module, inputs: Any, output: Any) -> torch.Tensor:
    """The output as rows of features (B, D)."""
    import torch

    rows = len(inputs[0])
    if isinstance(output, torch.Tensor) and output.ndim >= 2 and output.shape[1:].numel() == output.shape[1]:
        features = output.flatten(1)
        if len(features) == rows:
            return features
    shape = tuple(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__
    raise InputError(
        f"extract: the network returns {shape} for a batch of {rows}; wrap it so that it returns one row of features "
        "per image, (B, D)"
    )


def _extract_inputs(
    network: torch.nn.Module, inputs: torch.Tensor, batch_size: int, device: str | torch.device
) -> np.ndarray:
    """Features (N, D) of what the network takes."""
    import torch

    network.to(device).eval()
    with torch.inference_mode():
        starts = range(0, len(inputs), batch_size)
        batches = progress(starts, "batches")
        parts = [network(inputs[start : start + batch_size].to(device)).float().cpu() for start in batches]
    features = torch.cat(parts).numpy()
    extraction.refuse_non_finite_features(features, np.arange(len(features)), len(features))
    return features
