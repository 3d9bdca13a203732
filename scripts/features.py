"""Extract the features of one checkpoint on the scored rows of one dataset, and their class statistics."""

import argparse
from pathlib import Path

import numpy as np

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
    parser.add_argument("--checkpoint", required=True, type=Path)
    parser.add_argument("--splits", required=True, nargs="+", choices=SPLITS)
    parser.add_argument("--batch-size", required=True, type=int)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--gpu", type=int, default=0, help="1 to use a GPU if there is one")
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--statistics", required=True, type=Path)
    arguments = parser.parse_args()
    device = prepare(arguments.threads, arguments.gpu)
    network, normalisation = load(arguments.checkpoint)
    dataset = load_images(arguments.images)
    rows = np.isin(dataset.split, [SPLITS.index(split) for split in arguments.splits])
    labels = dataset.labels[rows]
    with about(arguments.checkpoint):
        features = extract(network, dataset.images[rows], normalisation, arguments.batch_size, device)
    made_by = provenance({"splits": arguments.splits}, [arguments.images, arguments.checkpoint])
    write_arrays(arguments.out, {"features": features, "labels": labels}, made_by)
    with about(arguments.images):
        statistics = ClassStatistics.from_features(features, labels)
    arrays = {"counts": statistics.counts, "means": statistics.means, "variances": statistics.variances}
    write_arrays(arguments.statistics, arrays, made_by)


run(main)
