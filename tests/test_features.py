"""Features, and the checkpoints that they come from."""

import numpy as np
import pytest
import torch

from pedrank.artefacts import write_arrays
from pedrank.checkpoints import load
from pedrank.errors import InputError
from pedrank.features import extract, normalise
from pedrank.networks import build

NORMALISATION = {"mean": [0.5, 0.4, 0.3], "std": [0.2, 0.25, 0.5]}
IMAGES = np.random.default_rng(0).integers(0, 256, (10, 8, 6, 3), np.uint8)


class ChannelMeans(torch.nn.Module):
    """Features that can be computed by hand; in training mode they would be others."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean(dim=(2, 3)) + float(self.training)


def by_hand(images: np.ndarray) -> np.ndarray:
    return ((images / 255 - NORMALISATION["mean"]) / NORMALISATION["std"]).mean(axis=(1, 2))


@pytest.mark.parametrize("batch_size", [1, 3, 10, 64])
def test_features_are_those_of_the_normalised_images_in_order(batch_size):
    images = IMAGES.copy()
    images.setflags(write=False)
    features = extract(ChannelMeans().train(), images, NORMALISATION, batch_size)
    assert features.dtype == np.float32
    np.testing.assert_allclose(features, by_hand(IMAGES), atol=1e-5)


def test_normalised_images_are_channels_first_in_channels_last_memory():
    batch = normalise(IMAGES, NORMALISATION)
    assert batch.shape == (10, 3, 8, 6)
    assert batch.is_contiguous(memory_format=torch.channels_last)


def test_the_same_features_come_again():
    torch.manual_seed(0)
    network = build("tiny-resnet")
    images = np.random.default_rng(1).integers(0, 256, (7, 32, 32, 3), np.uint8)
    first, again = (extract(network, images, NORMALISATION, 4) for _ in range(2))
    assert first.shape == (7, network.feature_dim)
    assert np.array_equal(first, again)


def test_features_that_are_not_finite_are_refused():
    class Broken(torch.nn.Module):
        def forward(self, x):
            return torch.where(x.mean(dim=(2, 3)) > 1.0, torch.nan, 0.0)

    images = np.zeros((5, 4, 4, 3), np.uint8)
    images[3] = 255
    with pytest.raises(InputError, match=r"features of image 3 are not finite \(1 of 5 images"):
        extract(Broken(), images, NORMALISATION, 2)


def write_checkpoint(path, change=lambda weights: None, **metadata):
    torch.manual_seed(0)
    network = build("tiny-resnet").eval()
    weights = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    change(weights)
    write_arrays(path, weights, {"architecture": "tiny-resnet", "normalisation": NORMALISATION} | metadata)
    return network


def test_a_checkpoint_comes_back_as_its_network(tmp_path):
    written = write_checkpoint(tmp_path / "random.safetensors")
    network, normalisation = load(tmp_path / "random.safetensors")
    x = torch.randn(2, 3, 32, 32)
    assert normalisation == NORMALISATION
    assert not network.training
    with torch.inference_mode():
        assert torch.equal(network(x), written(x))


def poison(weights):
    weights["conv1.weight"] = np.full_like(weights["conv1.weight"], np.inf)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda weights: weights.pop("conv1.weight"), r"missing: conv1.weight; surplus: none"),
        (lambda weights: weights.update({"fc.weight": np.zeros(3)}), r"missing: none; surplus: fc.weight"),
        (lambda weights: weights.clear(), r"missing: .*, .*, .* and \d+ more"),
        (lambda weights: weights.update({"conv1.weight": np.zeros((2, 3))}), r"'conv1.weight' has shape \(2, 3\)"),
        (poison, "'conv1.weight' holds values that are not finite"),
    ],
)
def test_bad_weights_are_refused_in_one_line(tmp_path, change, message):
    write_checkpoint(tmp_path / "bad.safetensors", change)
    with pytest.raises(InputError, match=message) as refusal:
        load(tmp_path / "bad.safetensors")
    assert "bad.safetensors" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_header_without_architecture_is_refused(tmp_path):
    write_arrays(tmp_path / "foreign.safetensors", {"conv1.weight": np.zeros(3)}, {})
    with pytest.raises(InputError, match="names no architecture"):
        load(tmp_path / "foreign.safetensors")


def test_an_unknown_architecture_is_refused(tmp_path):
    write_checkpoint(tmp_path / "vit.safetensors", architecture="vit-b16")
    with pytest.raises(InputError, match="vit-b16"):
        load(tmp_path / "vit.safetensors")
