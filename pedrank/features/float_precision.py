"""What float32 means in a network: TF32 of NVIDIA's GPUs is used only where it is chosen by name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from pedrank.utils.errors import InputError

PRECISIONS = ("float32", "tf32", "bfloat16", "float16")


@contextmanager
def computing_in(precision: str, device_type: str) -> Iterator[None]:
    """Within the context, networks compute in a precision; afterwards, torch's settings are as before.

    cuDNN's convolutions use TF32, whose factors have 11 bits, unless told not to. Features would then differ from those
    of a CPU by about 1e-3. A notebook may also have allowed TF32 or bfloat16 for products of matrices.

    Args:
        precision: "float32"; "tf32", which differs from float32 only on NVIDIA's GPUs; or the type of torch's automatic
            mixed precision, "bfloat16" or "float16".
        device_type: "cpu", "cuda" or "mps".

    Raises:
        InputError: The precision is unknown.

    >>> import torch
    >>> before = torch.backends.cudnn.allow_tf32
    >>> with computing_in("float32", "cpu"):
    ...     torch.backends.cudnn.allow_tf32, torch.get_float32_matmul_precision()
    (False, 'highest')
    >>> torch.backends.cudnn.allow_tf32 == before
    True
    """
    import torch

    if precision not in PRECISIONS:
        raise InputError(f"unknown precision '{precision}'; choose from {', '.join(PRECISIONS)}")
    cudnn, allowed, products = torch.backends.cudnn, None, None
    kept = [(part, part.fp32_precision) for part in _parts()]
    with suppress(RuntimeError):  # torch refuses to read an old setting that contradicts a newer one
        allowed = cudnn.allow_tf32
    with suppress(RuntimeError):
        products = torch.get_float32_matmul_precision()
    mixed = precision in ("bfloat16", "float16")
    try:
        cudnn.allow_tf32 = precision == "tf32"
        torch.set_float32_matmul_precision("highest")
        torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
        for part in _parts():
            part.fp32_precision = "ieee"
        for part in _parts("cuda") if precision == "tf32" else []:
            part.fp32_precision = "tf32"
        with torch.autocast(device_type, getattr(torch, precision) if mixed else None, enabled=mixed):
            yield
    finally:
        if allowed is not None:
            cudnn.allow_tf32 = allowed
        if products is not None:
            torch.set_float32_matmul_precision(products)
        for part, value in kept:
            part.fp32_precision = value


def _parts(device_type: str = "") -> list[Any]:
    """The parts of a device, or of all devices, that have a setting of their own; none before torch 2.9."""
    import torch

    backends: Any = torch.backends
    if not (hasattr(backends.cudnn, "conv") and hasattr(backends.mkldnn, "conv")):
        return []
    on_gpu = [backends.cudnn.conv, backends.cudnn.rnn, backends.cuda.matmul]
    return on_gpu if device_type == "cuda" else [*on_gpu, backends.mkldnn.conv, backends.mkldnn.matmul]
