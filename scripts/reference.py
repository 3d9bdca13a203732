"""Mean and standard deviation of one checkpoint's features over reference images (Alg. 1, line 2)."""

import argparse
from pathlib import Path

from pedrank.artefacts import provenance, write_arrays
from pedrank.checkpoints import load
from pedrank.command import run
from pedrank.datasets import load_images
from pedrank.device import prepare
from pedrank.features import extract
from pedrank.statistics import ReferenceStatistics


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", required=True, type=Path)
    parser.add_argument("--checkpoint", required=True, type=Path)
    parser.add_argument("--batch-size", required=True, type=int)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--gpu", type=int, default=0, help="1 to use a GPU if there is one")
    parser.add_argument("--out", required=True, type=Path)
    arguments = parser.parse_args()
    device = prepare(arguments.threads, arguments.gpu)
    network, normalisation = load(arguments.checkpoint)
    images = load_images(arguments.images).images
    statistics = ReferenceStatistics.from_features(
        extract(network, images, normalisation, arguments.batch_size, device)
    )
    made_by = provenance({"n": len(images)}, [arguments.images, arguments.checkpoint])
    write_arrays(arguments.out, {"mean": statistics.mean, "std": statistics.std}, made_by)


run(main)
