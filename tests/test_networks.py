"""The networks: sizes, shapes and the parameter-free shortcut."""

import pytest
import torch

from pedrank.errors import InputError
from pedrank.networks import BasicBlock, build, resnet50, tiny_resnet


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
    with pytest.raises(InputError, match="no architecture 'vgg'; choose one of tiny-resnet, resnet50"):
        build("vgg")
