"""Extract the features of checkpoints on the scored rows of one dataset, and their class statistics."""

import argparse
from pathlib import Path

from pedrank.artefacts import provenance, write_arrays
from pedrank.checkpoints import load
from pedrank.command import run
from pedrank.datasets import SPLITS, load_images
from pedrank.device import prepare
from pedrank.errors import about
from pedrank.features import extract
from pedrank.statistics import ClassStatistics


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", required=True, type=Path)
    parser.add_argument("--checkpoints", required=True, nargs="+", type=Path)
    parser.add_argument("--splits", required=True, nargs="+", choices=SPLITS)
    parser.add_argument("--batch-size", required=True, type=int)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--gpu", type=int, default=0, help="1 to use a GPU if there is one")
    parser.add_argument("--out", required=True, nargs="+", type=Path, help="one for each checkpoint")
    parser.add_argument("--statistics", required=True, nargs="+", type=Path, help="one for each checkpoint")
    arguments = parser.parse_args()
    device = prepare(arguments.threads, arguments.gpu)
    dataset = load_images(arguments.images)
    rows = dataset.rows(*arguments.splits)
    images, labels = dataset.images[rows], dataset.labels[rows]
    for checkpoint, out, out_statistics in zip(arguments.checkpoints, arguments.out, arguments.statistics, strict=True):
        network, normalisation = load(checkpoint)
        with about(checkpoint):
            features = extract(network, images, normalisation, arguments.batch_size, device)
        made_by = provenance({"splits": arguments.splits}, [arguments.images, checkpoint])
        write_arrays(out, {"features": features, "labels": labels}, made_by)
        with about(arguments.images):
            statistics = ClassStatistics.from_features(features, labels)
        arrays = {"counts": statistics.counts, "means": statistics.means, "variances": statistics.variances}
        write_arrays(out_statistics, arrays, made_by)


run(main)
