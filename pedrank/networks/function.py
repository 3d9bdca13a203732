"""Networks from a function in a user's own Python file: FILE.py:FUNCTION. The code is run without restrictions."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

from torch import nn

from pedrank.networks.head import first_line
from pedrank.utils.errors import InputError, nearest

_HEEDED = ("normalisation", "image_size", "resize", "interpolation")  # attributes of the network


def build(name: str, pretrained: bool | str = False) -> nn.Module:
    """The network that a function in a user's file returns. The file may import modules from its own folder.

    Args:
        name: FILE.py:FUNCTION.
        pretrained: Without effect.

    Raises:
        InputError: No such file or function, the code fails, or it does not return a torch.nn.Module.
    """
    file, _, function = name.rpartition(":")
    path = Path(file)
    if not path.is_file():
        raise InputError(f"{file}: no such Python file; correct the path before ':{function}'")
    folder = str(path.parent)
    if folder not in sys.path:
        sys.path.append(folder)
    spec = importlib.util.spec_from_file_location(f"pedrank_entry_{path.stem}", path)
    assert spec is not None and spec.loader is not None  # a name that ends with .py has both
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        if not callable(getattr(module, function, None)):
            known = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
            raise InputError(f"{file}: unknown function '{function}'; {nearest(function, known)}")
        network = getattr(module, function)()
    except InputError:
        raise
    except ModuleNotFoundError as error:
        raise InputError(f"{file}: needs the module '{error.name}'; install it where pedrank is installed") from None
    except Exception as error:
        raise InputError(
            f"{file}: {function} fails with {type(error).__name__}: {first_line(error)}; correct it"
        ) from error
    if not isinstance(network, nn.Module):
        raise InputError(f"{file}: {function} returns a {type(network).__name__}; return a torch.nn.Module")
    return network


def preprocessing(name: str, pretrained: bool | str = True) -> dict[str, Any]:
    """The attributes of the network that describe how to prepare its images."""
    network = build(name)
    return {field: getattr(network, field) for field in _HEEDED if hasattr(network, field)}
