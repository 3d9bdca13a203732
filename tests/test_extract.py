"""`pedrank.extract` and `pedrank.read_images`: features of a torch module, and labelled images in memory."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import pedrank
from pedrank.checkpoints.network_file import load_network
from pedrank.utils.errors import InputError
from pedrank.utils.paths import PACKAGE

PIXELS = np.random.default_rng(0).integers(0, 256, size=(10, 32, 32, 3), dtype=np.uint8)
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def by_hand(network, pixels, mean=MEAN, std=STD):
    """Features in one plain forward pass."""
    images = (torch.tensor(pixels).float() / 255 - torch.tensor(mean)) / torch.tensor(std)
    with torch.no_grad():
        return network.eval()(images.permute(0, 3, 1, 2)).numpy()


def tiny():
    return load_network(PACKAGE / "checkpoints/tiny/byol-tiny.safetensors")[0]


@pytest.mark.parametrize("of_pixels", [np.asarray, torch.tensor], ids=["NumPy", "torch"])
@pytest.mark.parametrize("batch_size", [3, 64])
def test_pixels_are_normalised(of_pixels, batch_size):
    found = pedrank.extract(tiny(), of_pixels(PIXELS), batch_size=batch_size)
    assert found.shape == (10, 80) and found.dtype == np.float32
    np.testing.assert_allclose(found, by_hand(tiny(), PIXELS), rtol=1e-4, atol=1e-5)


def test_a_normalisation_by_name_and_by_numbers():
    plain = pedrank.extract(tiny(), PIXELS, normalisation="none")
    np.testing.assert_allclose(plain, by_hand(tiny(), PIXELS, [0.0] * 3, [1.0] * 3), rtol=1e-4, atol=1e-5)
    numbers = {"mean": [0.0] * 3, "std": [1.0] * 3}
    np.testing.assert_array_equal(plain, pedrank.extract(tiny(), PIXELS, normalisation=numbers))


@pytest.mark.parametrize("of_inputs", [np.asarray, torch.tensor], ids=["NumPy", "torch"])
def test_other_inputs_are_passed_on_as_they_are(of_inputs):
    """A table of numbers, here; of integers as well."""
    torch.manual_seed(0)
    network = nn.Linear(5, 7)
    rows = np.random.default_rng(0).normal(size=(9, 5)).astype(np.float32)
    expected = rows @ network.weight.detach().numpy().T + network.bias.detach().numpy()
    np.testing.assert_allclose(pedrank.extract(network, of_inputs(rows), batch_size=4), expected, rtol=1e-5, atol=1e-6)
    words = nn.Sequential(nn.Embedding(10, 3), nn.Flatten())
    assert pedrank.extract(words, of_inputs(np.arange(8).reshape(4, 2))).shape == (4, 6)


def test_features_of_one_position_are_rows():
    """The usual way to cut a ResNet of torchvision: (B, D, 1, 1)."""
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1))
    assert pedrank.extract(network, PIXELS).shape == (10, 4)


def test_the_network_stays_as_it_was():
    """Modes of training, part by part; no hook and no gradient is left behind; dropout is off meanwhile."""
    network = nn.Sequential(nn.Dropout(0.5), nn.BatchNorm2d(3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    network.train()
    network[1].eval()
    one, other = (pedrank.extract(network, PIXELS) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    assert [part.training for part in network] == [True, False, True, True] and network.training
    assert network(torch.zeros(2, 3, 4, 4)).shape == (2, 3) and not network._forward_hooks
    assert network[1].weight.grad is None


@pytest.mark.parametrize(
    "network, images, options, message",
    [
        (nn.Conv2d(3, 4, 3), PIXELS, {}, r"returns \(10, 4, 30, 30\) for a batch of 10; wrap it"),
        (nn.Sequential(nn.Flatten(0)), PIXELS, {}, r"returns \(30720,\) for a batch of 10"),
        (nn.LSTM(5, 5), np.zeros((3, 2, 5), np.float32), {}, "returns tuple for a batch of 3"),
        (nn.Flatten(), PIXELS.transpose(0, 3, 1, 2), {}, r"\(N, H, W, 3\), not \(10, 3, 32, 32\)"),
        (nn.Flatten(), PIXELS[:0], {}, "no images"),
        (nn.Flatten(), np.full((2, 3), np.nan), {}, r"the features of image 0 are not finite \(2 of 2 images\)"),
        (nn.Flatten(), PIXELS, {"normalisation": "imagenett"}, "no normalisation 'imagenett'; choose from imagenet"),
    ],
)
def test_a_mistake_is_one_line(network, images, options, message):
    with pytest.raises(InputError, match=message) as error:
        pedrank.extract(network, images, **options)
    assert "\n" not in str(error.value) and not network._forward_hooks


@pytest.fixture
def photos(tmp_path):
    for label, colour in (("cat", 0), ("dog", 255)):
        (tmp_path / label).mkdir()
        for number in range(10):
            Image.new("RGB", (50, 40), (colour, number, 0)).save(tmp_path / f"{label}/{number}.png")
    return tmp_path


def test_images_are_read_without_the_test_images(photos):
    images, labels = pedrank.read_images(photos, size=16)
    assert images.shape == (16, 16, 16, 3) and images.dtype == np.uint8
    assert labels.tolist() == ["cat"] * 8 + ["dog"] * 8
    assert (images[:, 0, 0, 0] == np.where(labels == "dog", 255, 0)).all()
    tested, of_test = pedrank.read_images(photos, size=16, splits=["test"])
    assert of_test.tolist() == ["cat", "cat", "dog", "dog"]
    green = {(label, int(image[0, 0, 1])) for image, label in zip(images, labels, strict=True)}
    assert not green & {(label, int(image[0, 0, 1])) for image, label in zip(tested, of_test, strict=True)}


def test_a_path_gives_the_features_of_its_images(photos):
    images, _ = pedrank.read_images(photos, size=32)
    np.testing.assert_array_equal(pedrank.extract(tiny(), photos, size=32), pedrank.extract(tiny(), images))


def test_what_cannot_be_read_is_one_line(photos):
    with pytest.raises(InputError, match="no split 'val'; choose from train, validation, test"):
        pedrank.read_images(photos, splits=["val"])
    with pytest.raises(InputError, match="nothing: no such file or folder"):
        pedrank.read_images(photos / "nothing")
    (photos / "cat/broken.png").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"broken\.png"):
        pedrank.read_images(photos)
