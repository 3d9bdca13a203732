"""Networks of torch.hub: hub/OWNER/REPO:NAME, or hub/FOLDER:NAME. Their code is run without restrictions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from pedrank.networks.head import fetched, without_head
from pedrank.utils.errors import InputError


def build(name: str, pretrained: bool | str) -> nn.Module:
    """The network that an entry point in a GitHub repository or a local folder returns, without its linear classifier.

    Args:
        name: OWNER/REPO:NAME or FOLDER:NAME.
        pretrained: Whether to load weights; passed to entry points that take this argument.

    Raises:
        InputError: The entry point fails, or does not return a torch.nn.Module.
    """
    import torch

    repository, _, entry = name.rpartition(":")
    local = Path(repository).is_dir()
    where: dict[str, Any] = {"source": "local"} if local else {"source": "github", "trust_repo": True}

    def load() -> Any:
        try:
            return torch.hub.load(repository, entry, pretrained=bool(pretrained), **where)
        except TypeError as error:
            if "pretrained" not in str(error):
                raise
            return torch.hub.load(repository, entry, **where)

    network = fetched(f"hub/{name}", load, pretrained=not local)
    if not isinstance(network, nn.Module):
        raise InputError(
            f"hub/{name}: returns a {type(network).__name__}, not a torch.nn.Module; name another entry point"
        )
    return without_head(network, f"hub/{name}", needed=False)
