"""The networks: sizes, shapes and the parameter-free shortcut."""

import pytest
import torch

from pedrank.networks.build import build
from pedrank.networks.resnets import BasicBlock, SameConv2d, SameMaxPool2d, resnet50, tiny_resnet
from pedrank.utils.errors import InputError


def parameters(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_tiny_resnet_has_the_parameters_of_its_definition():
    # Convolutions have no bias; a batch norm has two parameters for each channel; shortcuts have none.
    convolutions = 9 * (3 * 20 + 20 * 20 * 2 + 20 * 40 + 40 * 40 + 40 * 80 + 80 * 80)
    batch_norms = 2 * (20 * 3 + 40 * 2 + 80 * 2)
    assert parameters(tiny_resnet()) == convolutions + batch_norms


@pytest.mark.parametrize("size", [32, 28, 64])
def test_tiny_resnet_maps_images_of_any_size_to_features(size):
    network = build("tiny-resnet").eval()
    assert network(torch.zeros(2, 3, size, size)).shape == (2, network.feature_dim) == (2, 80)


def test_memory_layout_does_not_change_features():
    network = tiny_resnet().eval()
    images = torch.rand(4, 3, 32, 32)
    plain = network.to(memory_format=torch.contiguous_format)(images)
    last = network.to(memory_format=torch.channels_last)(images.to(memory_format=torch.channels_last))
    torch.testing.assert_close(last, plain)


def test_shortcut_subsamples_and_pads_zeros():
    block = BasicBlock(2, 5, stride=2).eval()
    torch.nn.init.zeros_(block.conv2.weight)
    images = torch.rand(1, 2, 6, 6)
    out = block(images)
    torch.testing.assert_close(out[:, :2], images[:, :, ::2, ::2])
    assert (out[:, 2:] == 0).all()


def test_resnet50_is_torchvisions_without_its_classifier():
    with torch.device("meta"):
        network = resnet50()
        features = network.eval()(torch.zeros(2, 3, 224, 224))
    assert features.shape == (2, 2048) and network.feature_dim == 2048
    # The published size of the whole network is 25,557,032, of which the classifier has 2048 x 1000 + 1000.
    assert parameters(network) == 25_557_032 - 2_049_000
    assert len(network.state_dict()) == 318
    assert not any(name.startswith("fc.") for name in network.state_dict())


def test_unknown_architecture_is_refused_by_name():
    with pytest.raises(InputError, match="unknown architecture 'vgg'; choose from tiny-resnet, resnet50"):
        build("vgg")


def by_hand(image: torch.Tensor, weight: torch.Tensor, stride: int, before: int, after: int) -> torch.Tensor:
    """A convolution of one image, sum by sum, with so many zeros before and after."""
    channels, height, width = image.shape
    kernel = weight.shape[-1]
    padded = torch.zeros(channels, height + before + after, width + before + after)
    padded[:, before : before + height, before : before + width] = image
    size = [(extent - kernel) // stride + 1 for extent in padded.shape[1:]]
    out = torch.empty(len(weight), *size)
    for row in range(size[0]):
        for column in range(size[1]):
            window = padded[:, row * stride : row * stride + kernel, column * stride : column * stride + kernel]
            out[:, row, column] = (weight * window).sum(dim=(1, 2, 3))
    return out


@pytest.mark.parametrize(
    "kernel, stride, size, before, after",
    [(7, 2, 32, 2, 3), (3, 2, 8, 0, 1), (3, 2, 7, 1, 1), (3, 1, 8, 1, 1), (1, 2, 8, 0, 0)],
)
def test_same_padding_is_tensorflows(kernel, stride, size, before, after):
    """Of (out - 1) stride + kernel - size zeros, where out = ceil(size / stride), half come first."""
    torch.manual_seed(0)
    convolution = SameConv2d(3, 4, kernel, stride, bias=False)
    image = torch.randn(3, size, size)
    expected = by_hand(image, convolution.weight, stride, before, after)
    assert expected.shape[1] == -(-size // stride)
    torch.testing.assert_close(convolution(image[None])[0], expected, atol=1e-5, rtol=1e-5)


def test_same_max_pool_looks_one_pixel_beyond_the_far_side():
    image = torch.arange(16.0).reshape(1, 1, 4, 4)
    assert SameMaxPool2d(3, 2)(image).flatten().tolist() == [10, 11, 14, 15]
    assert torch.nn.MaxPool2d(3, 2, 1)(image).flatten().tolist() == [5, 7, 13, 15]


def test_the_padded_resnets_differ_only_where_they_should():
    with torch.device("meta"):
        networks = {name: build(name) for name in ("resnet50", "resnet50-same", "resnet50-same-pool")}
    keys = [list(network.state_dict()) for network in networks.values()]
    assert keys[0] == keys[1] == keys[2]

    def changed(name):
        pairs = zip(networks["resnet50"].named_modules(), networks[name].named_modules(), strict=True)
        return [here for (here, old), (_, new) in pairs if type(old) is not type(new)]

    assert changed("resnet50-same-pool") == ["maxpool"]
    assert changed("resnet50-same") == ["conv1", "maxpool", "layer2.0.conv2", "layer3.0.conv2", "layer4.0.conv2"]
    shapes = {networks[name].eval()(torch.zeros(1, 3, 224, 224, device="meta")).shape for name in networks}
    assert shapes == {(1, 2048)}


def test_the_same_resnet50_is_the_plain_one_on_images_padded_by_hand():
    """Its stem alone: torchvision's convolution without padding on an image with (2, 3) zeros around."""
    torch.manual_seed(0)
    network = build("resnet50-same").eval()
    image = torch.randn(2, 3, 64, 64)
    padded = torch.nn.functional.pad(image, (2, 3, 2, 3))
    assert torch.equal(network.conv1(image), torch.nn.functional.conv2d(padded, network.conv1.weight, stride=2))


def test_timm_is_asked_for_by_name():
    with pytest.raises(InputError, match="needs timm; run pip install|timm has no model 'no-such-model'"):
        build("timm/no-such-model")
