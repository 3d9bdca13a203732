"""Batch normalisation folded into the convolution before it: the same features from fewer passes over memory."""

from __future__ import annotations

import copy
from collections import Counter
from typing import cast

import torch
from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

_CLOSE = 1e-5  # largest difference of a feature, relative to the largest feature


def folded(network: nn.Module, batch: torch.Tensor) -> nn.Module:
    """The network with its batch normalisations folded, if it then computes the same features.

    A normalisation is folded if it alone reads the output of a convolution. `torch.fx` finds these pairs. A network
    that it cannot trace, without such a pair, or with other features on the batch is returned as it is.

    Args:
        network: In evaluation mode; not changed.
        batch: (B, 3, H, W) images on which both networks are compared.

    Returns:
        A folded copy, or the network itself.

    >>> network = nn.Sequential(nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2), nn.Flatten()).eval()
    >>> [type(layer).__name__ for layer in folded(network, torch.ones(1, 3, 2, 2))]
    ['Conv2d', 'Identity', 'Flatten']
    """
    try:
        pairs, found = _pairs(network), copy.deepcopy(network)
    except Exception:  # a user's network may raise anything when it gets a proxy instead of a tensor, or is copied
        return network
    if not pairs:
        return network
    for convolution, normalisation in pairs:
        layers = found.get_submodule(convolution), found.get_submodule(normalisation)
        found.set_submodule(convolution, fuse_conv_bn_eval(*cast("tuple[nn.Conv2d, nn.BatchNorm2d]", layers)))
        found.set_submodule(normalisation, nn.Identity())
    with torch.inference_mode():
        expected, features = network.forward(batch), found.forward(batch)
    close = (features - expected).abs().max() <= _CLOSE * expected.abs().max()
    return found if close else network


class _Tracer(fx.Tracer):
    """Follows a network, but not into its layers: some compute their padding from the size of the images."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return not list(m.children()) or super().is_leaf_module(m, module_qualified_name)


def _pairs(network: nn.Module) -> list[tuple[str, str]]:
    """Names of convolutions, each with that of the normalisation that alone reads its output."""
    nodes = [node for node in _Tracer().trace(network).nodes if node.op == "call_module"]
    uses = Counter(node.target for node in nodes)
    pairs = []
    for before in nodes:
        if len(before.users) != 1:
            continue
        after = next(iter(before.users))
        if after.op != "call_module" or uses[before.target] > 1 or uses[after.target] > 1:
            continue
        layer, normalisation = network.get_submodule(before.target), network.get_submodule(after.target)
        fits = isinstance(layer, nn.Conv2d) and type(normalisation) is nn.BatchNorm2d
        hooked = any(module._forward_hooks or module._forward_pre_hooks for module in (layer, normalisation))
        if fits and normalisation.running_mean is not None and not hooked:
            pairs.append((before.target, after.target))
    return pairs
