"""Pre-train one small network, with its card and its reference statistics."""

import argparse
import os
import sys
from pathlib import Path

from pedrank.runtime.command import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objective", required=True)
    parser.add_argument("--architecture", default="tiny-resnet", help="a tiny-resnet of any width and depth")
    parser.add_argument("--data", required=True, type=Path, help="CIFAR-10's images.safetensors")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--gpu", type=int, default=0, help="1 to use a GPU if there is one")
    parser.add_argument("--out", required=True, type=Path, help="the backbone's weights")
    parser.add_argument("--card", required=True, type=Path)
    parser.add_argument("--reference", required=True, type=Path)
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(arguments.threads)  # set before the libraries that read it are imported

    from pedrank.pretrain.card import make_checkpoint
    from pedrank.pretrain.recipe import Recipe
    from pedrank.runtime.device import prepare_device

    def report(epoch: int, loss: float) -> None:
        print(f"{arguments.objective}: epoch {epoch + 1}/{arguments.epochs}, loss {loss:.4f}", file=sys.stderr)

    fields = ("objective", "architecture", "epochs", "images", "seed")
    make_checkpoint(
        Recipe(**{name: getattr(arguments, name) for name in fields}),
        arguments.data,
        prepare_device(arguments.threads, arguments.gpu),
        arguments.out,
        arguments.card,
        arguments.reference,
        report,
    )


run(main)
