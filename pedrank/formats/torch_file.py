"""The tensors in torch files, by name; nothing in the files can run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pedrank.formats.pickle_file import Record
from pedrank.formats.torch_pickle import Tensor, load_torch
from pedrank.utils.errors import InputError

if TYPE_CHECKING:
    import torch


FETCHED = "download the file again"  # remedy for a file that pedrank has fetched


def read_torch(path: Path, remedy: str = FETCHED) -> dict[str, Any]:
    """Read the dictionary in a file of `torch.save`: its tensors, and inert records for objects beside them.

    Args:
        path: The file.
        remedy: End of the messages; that of a user's own file never tells to fetch or delete it.

    Raises:
        InputError: The file is broken, or holds no dictionary.
    """
    try:
        content = load_torch(path)
    except Exception as error:  # a broken file can raise anything; none of its code has run
        reason = (" ".join(str(error).split()) or type(error).__name__)[:200]
        raise InputError(f"{path}: not a torch file of plain tensors ({reason}); {remedy}") from None
    if isinstance(content, Record):
        raise InputError(
            f"{path}: holds a whole object, such as a network, and no dictionary of tensors; save the network's "
            "`state_dict()` with torch.save and use that file"
        )
    if not isinstance(content, Mapping):
        raise InputError(f"{path}: not a torch file of plain tensors (a {type(content).__name__}); {remedy}")
    return dict(content)


def tensors(content: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The tensors of a file's or network's dictionary as arrays; other values, and keys of no text, are left out.

    >>> import torch
    >>> tensors({"weight": torch.zeros(2), "epoch": 3})
    {'weight': array([0., 0.], dtype=float32)}
    """
    import torch

    kept = {
        name: value
        for name, value in content.items()
        if isinstance(name, str) and isinstance(value, (Tensor, torch.Tensor))
    }
    return {name: value.value if isinstance(value, Tensor) else _array(value) for name, value in kept.items()}


def _array(tensor: torch.Tensor) -> np.ndarray:
    """A tensor as an array, bfloat16 as float32; tensors that are not dense become empty, a shape that no layer has."""
    import torch

    if tensor.layout != torch.strided or tensor.is_quantized or tensor.device.type != "cpu":
        return np.empty(0)
    tensor = tensor.detach().resolve_conj().resolve_neg()
    return tensor.float().numpy() if tensor.dtype == torch.bfloat16 else tensor.numpy()


def unwrapped(content: Mapping[str, Any], keys: Sequence[str], path: Path) -> Mapping[str, Any]:
    """Return the dictionary inside nested dictionaries.

    Args:
        content: The outermost dictionary.
        keys: Keys that lead to the wanted one, outermost first.
        path: The file, for messages.

    Raises:
        InputError: A key leads to no dictionary.

    >>> unwrapped({"model": {"weight": 1}}, ["model"], Path("a.pth"))
    {'weight': 1}
    """
    for key in keys:
        inner = content.get(key)
        if not isinstance(inner, Mapping):
            found = [str(name) for name, value in content.items() if isinstance(value, Mapping)]
            raise InputError(
                f"{path}: no dictionary of tensors under key '{key}'; correct `unwrap`, "
                + (f"for example to {', '.join(map(repr, found[:9]))}" if found else "which is one key too long")
            )
        content = inner
    return content
