"""Features, and the checkpoints that they come from."""

import numpy as np
import pytest
import torch

from pedrank.checkpoints.network_file import load_network
from pedrank.features import extraction as features_module
from pedrank.features.extraction import extract
from pedrank.features.fold import folded
from pedrank.features.normalise import mean_and_std, normalise, standardise
from pedrank.features.resumable import extract_to
from pedrank.networks.build import build
from pedrank.observation.statistics import ClassStatistics
from pedrank.store.artefacts import read_arrays, write_arrays
from pedrank.utils.errors import InputError

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


def as_for_features(pixels, mean, std):
    return pixels.float().div_(255).sub_(mean).div_(std).permute(0, 3, 1, 2)


def as_in_finetuning(pixels, mean, std):
    return ((pixels / 255 - mean) / std).permute(0, 3, 1, 2)


def as_in_pretraining(pixels, mean, std):
    images = pixels.permute(0, 3, 1, 2).float() / 255
    centred = (images - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    return centred.contiguous(memory_format=torch.channels_last)


PIXELS = torch.arange(256, dtype=torch.uint8).repeat(12).view(4, 16, 16, 3)
CROPS = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0)).mul_(255).permute(0, 2, 3, 1)


@pytest.mark.parametrize(
    "formula, pixels",
    [
        (as_for_features, PIXELS),
        (as_for_features, PIXELS[:1]),
        (as_in_finetuning, PIXELS.float()),
        (as_in_finetuning, CROPS),  # crops lie channels-first in memory, and stay so
        (as_in_finetuning, CROPS.contiguous()),
        (as_in_pretraining, PIXELS),
    ],
)
def test_one_function_gives_the_bits_and_the_memory_layout_of_three_formulas(formula, pixels):
    before = pixels.clone()
    mean, std = mean_and_std(NORMALISATION, "cpu")
    expected, found = formula(pixels, mean, std), standardise(pixels, mean, std)
    assert torch.equal(pixels, before)
    assert torch.equal(found, expected)
    assert (found.dtype, found.shape, found.stride()) == (torch.float32, expected.shape, expected.stride())
    if pixels.dtype == torch.uint8:
        whole = normalise(pixels.numpy(), NORMALISATION)
        assert torch.equal(whole, expected) and whole.stride() == expected.stride()


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_images_in_0_to_1_are_normalised_as_pretraining_did(layout):
    from pedrank.pretrain import loop

    images = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(1)).contiguous(memory_format=layout)
    mean, std = (torch.tensor(loop.NORMALISATION[key]).view(3, 1, 1) for key in ("mean", "std"))
    expected = ((images - mean) / std).contiguous(memory_format=torch.channels_last)
    found = loop.normalise(images)
    assert torch.equal(found, expected) and found.stride() == expected.stride()
    pixels = images.mul(255).byte().permute(0, 2, 3, 1).contiguous()
    expected = ((pixels.permute(0, 3, 1, 2).float() / 255 - mean) / std).contiguous(memory_format=torch.channels_last)
    found = loop.normalise(loop.as_input(pixels))
    assert torch.equal(found, expected) and found.stride() == expected.stride()


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
    network, normalisation = load_network(tmp_path / "random.safetensors")
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
        (poison, "'conv1.weight' has values that are not finite"),
    ],
)
def test_bad_weights_are_refused_in_one_line(tmp_path, change, message):
    write_checkpoint(tmp_path / "bad.safetensors", change)
    with pytest.raises(InputError, match=message) as refusal:
        load_network(tmp_path / "bad.safetensors")
    assert "bad.safetensors" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_header_without_architecture_is_refused(tmp_path):
    write_arrays(tmp_path / "foreign.safetensors", {"conv1.weight": np.zeros(3)}, {})
    with pytest.raises(InputError, match="has no field 'architecture'"):
        load_network(tmp_path / "foreign.safetensors")


def test_an_unknown_architecture_is_refused(tmp_path):
    write_checkpoint(tmp_path / "vit.safetensors", architecture="vit-b16")
    with pytest.raises(InputError, match="vit-b16"):
        load_network(tmp_path / "vit.safetensors")


def tiny():
    torch.manual_seed(0)
    return build("tiny-resnet").eval()


LARGER = np.random.default_rng(2).integers(0, 256, (50, 16, 16, 3), np.uint8)


def extract_in(folder, network, rows, labels, batch_size=4, **changes):
    made_by = {"checkpoint": "a"} | changes
    arguments = (network, LARGER, rows, labels, NORMALISATION, batch_size, "cpu", "float32", made_by)
    return extract_to(folder / "out.safetensors", *arguments)


def test_features_in_a_file_are_those_in_memory_with_their_statistics(tmp_path):
    labels = np.arange(50) % 3
    statistics = extract_in(tmp_path, tiny(), np.arange(50), labels)
    arrays = read_arrays(tmp_path / "out.safetensors")
    np.testing.assert_array_equal(arrays["features"], extract(tiny(), LARGER, NORMALISATION, 4))
    np.testing.assert_array_equal(arrays["labels"], labels)
    expected = ClassStatistics.from_features(arrays["features"], labels)
    np.testing.assert_array_equal(statistics.counts, expected.counts)
    np.testing.assert_allclose(statistics.means, expected.means, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(statistics.variances, expected.variances, rtol=1e-9)
    assert [path.name for path in tmp_path.iterdir()] == ["out.safetensors"]


def test_an_image_that_is_named_twice_is_computed_once(tmp_path):
    rows, labels = np.array([7, 3, 3, 49, 7, 0]), np.array([0, 1, 0, 1, 1, 0])
    network, seen = tiny(), []
    network.register_forward_hook(lambda module, inputs, output: seen.append(len(output)))
    extract_in(tmp_path, network, rows, labels)
    assert sum(seen) == 4
    expected = extract(tiny(), LARGER, NORMALISATION, 4)[rows]
    np.testing.assert_allclose(read_arrays(tmp_path / "out.safetensors")["features"], expected, atol=1e-5)


class Killed(BaseException):
    pass


def killed_after(batches):
    network, seen = tiny(), []

    def count(module, inputs, output):
        seen.append(len(output))
        if len(seen) > batches:
            raise Killed

    network.register_forward_hook(count)
    return network


def test_a_killed_job_continues_and_nothing_shows(tmp_path):
    """Batches of 1, chunks of 8: killed in the third chunk, two are kept."""
    labels = np.arange(50) % 3
    (tmp_path / "whole").mkdir()
    whole = extract_in(tmp_path / "whole", tiny(), np.arange(50), labels, 1)
    with pytest.raises(Killed):
        extract_in(tmp_path, killed_after(21), np.arange(50), labels, 1)
    assert not (tmp_path / "out.safetensors").exists()
    network, seen = tiny(), []
    network.register_forward_hook(lambda module, inputs, output: seen.append(len(output)))
    statistics = extract_in(tmp_path, network, np.arange(50), labels, 1)
    assert sum(seen) == 50 - 16
    assert (tmp_path / "out.safetensors").read_bytes() == (tmp_path / "whole/out.safetensors").read_bytes()
    for name in ("counts", "means", "variances"):
        np.testing.assert_array_equal(getattr(statistics, name), getattr(whole, name))


def test_a_killed_job_of_other_origin_is_started_anew(tmp_path):
    labels = np.arange(50) % 3
    with pytest.raises(Killed):
        extract_in(tmp_path, killed_after(21), np.arange(50), labels, 1, checkpoint="another")
    network, seen = tiny(), []
    network.register_forward_hook(lambda module, inputs, output: seen.append(len(output)))
    extract_in(tmp_path, network, np.arange(50), labels, 1)
    assert sum(seen) == 50


def test_a_note_of_another_job_is_not_believed(tmp_path):
    """Another job was killed after 16 images, then this one before it had noted any: its first 16 are not there."""
    labels = np.arange(50) % 3
    for checkpoint, batches in (("another", 21), ("a", 3)):
        with pytest.raises(Killed):
            extract_in(tmp_path, killed_after(batches), np.arange(50), labels, 1, checkpoint=checkpoint)
    extract_in(tmp_path, tiny(), np.arange(50), labels, 1)
    expected = extract(tiny(), LARGER, NORMALISATION, 1)
    np.testing.assert_array_equal(read_arrays(tmp_path / "out.safetensors")["features"], expected)


def test_features_in_a_file_that_are_not_finite_leave_nothing(tmp_path):
    network = tiny()
    network.register_forward_hook(lambda module, inputs, output: output * torch.inf)
    with pytest.raises(InputError, match="features of image 5 are not finite"):
        extract_in(tmp_path, network, np.arange(5, 20), np.arange(15) % 2)
    assert list(tmp_path.iterdir()) == []


def test_mixed_precision_is_close_and_float32(tmp_path):
    exact, mixed = (extract(tiny(), LARGER, NORMALISATION, 16, precision=kind) for kind in ("float32", "bfloat16"))
    assert mixed.dtype == np.float32
    assert 0 < np.abs(mixed - exact).max() < 0.05 * np.abs(exact).max()


def trained(network):
    """The network with normalisations unlike those of a new one."""
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            for tensor, low, high in (
                (module.running_mean, -0.2, 0.2),
                (module.running_var, 0.5, 1.5),
                (module.weight.data, 0.3, 1.0),
                (module.bias.data, -0.2, 0.2),
            ):
                tensor.uniform_(low, high)
    return network.eval()


def normalisations(network):
    return [name for name, module in network.named_modules() if isinstance(module, torch.nn.BatchNorm2d)]


@pytest.mark.parametrize("architecture", ["tiny-resnet", "resnet50", "resnet50-same", "torchvision/mobilenet_v3_small"])
def test_a_folded_network_computes_the_same_without_normalisations(architecture):
    torch.manual_seed(0)
    network, images = trained(build(architecture)), torch.randn(3, 3, 40, 40)
    names = normalisations(network)
    found = folded(network, images[:2])
    assert names
    assert not normalisations(found)
    assert normalisations(network) == names  # the network itself stays
    with torch.inference_mode():
        expected = network(images)
        assert (found(images) - expected).abs().max() < 1e-5 * expected.abs().max()


class Layers(torch.nn.Module):
    """A convolution and its normalisation, in a network that a subclass makes unfit for folding."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.normalisation = torch.nn.Conv2d(3, 3, 1), torch.nn.BatchNorm2d(3)

    def forward(self, x):
        return self.normalisation(self.convolution(x)).mean(dim=(2, 3))


class Depends(Layers):
    def forward(self, x):
        return super().forward(x if x.sum() > 0 else -x)


class Shared(Layers):
    def forward(self, x):
        return super().forward(self.convolution(x))


class Read(Layers):
    def forward(self, x):
        x = self.convolution(x)
        return (self.normalisation(x) + x).mean(dim=(2, 3))


class Doubling(torch.nn.Conv2d):
    def forward(self, x):
        return super().forward(x) * 2 + 1


class Overridden(Layers):
    def __init__(self) -> None:
        super().__init__()
        self.convolution = Doubling(3, 3, 1)


@pytest.mark.parametrize("kind", [Depends, Shared, Read, Overridden])
def test_a_network_that_cannot_be_folded_runs_as_it_is(kind):
    torch.manual_seed(0)
    network = trained(kind())
    assert folded(network, torch.randn(2, 3, 4, 4)) is network


def test_a_layer_with_a_hook_is_not_folded():
    network = trained(Layers())
    network.normalisation.register_forward_hook(lambda module, inputs, output: output * 2)
    assert folded(network, torch.randn(2, 3, 4, 4)) is network
    assert folded(trained(Layers()), torch.randn(2, 3, 4, 4)) is not network


def test_features_come_from_the_folded_network(monkeypatch):
    calls, forward = [], torch.nn.BatchNorm2d.forward
    monkeypatch.setattr(torch.nn.BatchNorm2d, "forward", lambda self, x: calls.append(len(x)) or forward(self, x))
    network = trained(tiny())
    with torch.inference_mode():
        expected = network(normalise(LARGER, NORMALISATION)).numpy()
    calls.clear()
    np.testing.assert_allclose(
        extract(network, LARGER, NORMALISATION, 16), expected, rtol=0, atol=1e-5 * np.abs(expected).max()
    )
    assert set(calls) == {2}  # the comparison


def test_batches_shrink_to_the_memory_there_is(monkeypatch):
    monkeypatch.setattr(features_module, "available_memory", lambda: 2 * 3 * 64 * 4 * (16 // 2 + 1) ** 2 * 7)
    network, seen = tiny(), []
    network.register_forward_hook(lambda module, inputs, output: seen.append(len(output)))
    extract(network, LARGER, NORMALISATION, 256)
    assert seen == [7] * 7 + [1]
