"""Torch files of plain tensors, read with weights_only: nothing in them can run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pedrank.formats.torch_check import check_torch_file
from pedrank.utils.errors import InputError

if TYPE_CHECKING:
    import torch


def read_torch(path: Path) -> dict[str, Any]:
    """The dictionary that `torch.save` wrote; InputError when there is none, or it holds more than plain tensors."""
    import torch

    try:
        check_torch_file(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a broken file can raise anything; nothing of it has run
        reason = next((line for line in str(error).splitlines() if "Unsupported global" in line), None)
        reason = reason or (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"{path}: not a torch file of plain tensors ({reason.strip()[:200]}); fetch it again"
        ) from None
    if not isinstance(content, Mapping):
        raise InputError(f"{path}: not a torch file of plain tensors (a {type(content).__name__}); fetch it again")
    return dict(content)


def tensors(content: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The tensors of a dictionary as arrays, by those of its keys that are names."""
    import torch

    kept = {name: value for name, value in content.items() if isinstance(name, str) and isinstance(value, torch.Tensor)}
    return {name: _array(value) for name, value in kept.items()}


def _array(tensor: torch.Tensor) -> np.ndarray:
    """NumPy has no bfloat16, and an array has one dense layout: what is neither becomes empty, of no layer's shape."""
    import torch

    if tensor.layout != torch.strided or tensor.is_quantized or tensor.device.type != "cpu":
        return np.empty(0)
    tensor = tensor.detach().resolve_conj().resolve_neg()
    return tensor.float().numpy() if tensor.dtype == torch.bfloat16 else tensor.numpy()


def read_weights(path: Path, unwrap: list[str], prefix: str) -> dict[str, np.ndarray]:
    """Tensors behind the keys `unwrap` whose names begin with `prefix`, without it."""
    found = tensors(unwrapped(read_torch(path), unwrap, path))
    return {name.removeprefix(prefix): array for name, array in found.items() if name.startswith(prefix)}


def unwrapped(content: Mapping[str, Any], keys: Sequence[str], path: Path) -> Mapping[str, Any]:
    """The dictionary behind the keys, one inside the other; InputError when there is none."""
    for key in keys:
        inner = content.get(key)
        if not isinstance(inner, Mapping):
            raise InputError(f"{path}: no dictionary of tensors under '{key}'; correct `unwrap`, or fetch it again")
        content = inner
    return content
