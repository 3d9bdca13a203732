"""The device that computes metrics by torch, and what its failures are called."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import numpy as np

from pedrank.utils.errors import InputError

if TYPE_CHECKING:
    import torch

BLOCK = 2**26  # numbers on the device at a time, beside its inputs and results: 512 MiB in float64

P = ParamSpec("P")
R = TypeVar("R")


def find(device: str) -> torch.device:
    """The device of that name in torch, such as "cuda"; InputError when it is missing or cannot compute in float64."""
    import torch

    try:
        torch.zeros(1, dtype=torch.float64, device=device)
    except (RuntimeError, TypeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"device '{device}': cannot compute in float64 ({reason}); use cpu or cuda") from None
    return torch.device(device)


def free_bytes(device: torch.device) -> int | None:
    """Free memory of a GPU in bytes; None for a device that has the CPU's memory."""
    import torch

    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else None


def numpys_errors(function: Callable[P, R]) -> Callable[P, R]:
    """Decorate a function of this folder: it fails with the exceptions that the same work on the CPU has.

    Args:
        function: Computes by torch.

    Returns:
        The function. Where equations have no solution, it raises NumPy's LinAlgError, and where the device is out of
        memory, InputError.
    """

    @wraps(function)
    def inner(*args: P.args, **kwargs: P.kwargs) -> R:
        import torch

        try:
            return function(*args, **kwargs)
        except torch.linalg.LinAlgError as error:
            raise np.linalg.LinAlgError(str(error)) from None
        except torch.OutOfMemoryError:
            raise InputError(
                "the GPU's memory is full; end other programs that use the GPU, or compute on the CPU (device cpu)"
            ) from None

    return inner
