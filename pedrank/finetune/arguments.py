"""Command-line arguments that the fine-tuning scripts share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pedrank.finetune.run import Pair


def parser(description: str | None) -> argparse.ArgumentParser:
    """A parser with the arguments of every fine-tuning script; each script adds its own."""
    shared = argparse.ArgumentParser(description=description)
    shared.add_argument("--images", required=True, type=Path, help="the prepared dataset")
    shared.add_argument("--source", type=Path, help="the same dataset at the size that random crops are cut from")
    shared.add_argument("--metric", required=True, help="the dataset's accuracy, such as top-1")
    shared.add_argument(
        "--code", default="", help="digest of the code; a finished run is reused only if it is the same"
    )
    shared.add_argument("--threads", type=int, default=1, help="CPU threads")
    shared.add_argument("--gpu", type=int, default=0, help="1 to use a GPU if there is one")
    return shared


def pairs(arguments: argparse.Namespace, *checkpoints: Path) -> list[Pair]:
    """The dataset with each checkpoint, on the device. From now on, SIGTERM saves the state of a run and ends it.

    Args:
        arguments: As `parser` reads them.
        checkpoints: Converted checkpoints, in safetensors.
    """
    from pedrank.finetune.run import pair
    from pedrank.finetune.state import heed_sigterm
    from pedrank.runtime.device import prepare_device

    device = prepare_device(arguments.threads, arguments.gpu)
    heed_sigterm()
    return [
        pair(arguments.images, checkpoint, arguments.metric, arguments.source, arguments.code, device)
        for checkpoint in checkpoints
    ]
