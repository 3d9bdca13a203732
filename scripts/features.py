"""Extract the features of checkpoints on one dataset, and their class statistics."""

import argparse

import numpy as np

from pedrank.checkpoints.network_file import load_network
from pedrank.datasets.dataset import SPLITS, load_images
from pedrank.datasets.scored_rows import MODES, scored_rows
from pedrank.features.resumable import extract_to
from pedrank.runtime.arguments import PATTERN, add_extraction
from pedrank.runtime.command import run
from pedrank.runtime.device import prepare_device
from pedrank.store.artefacts import provenance, write_arrays
from pedrank.study.names import paths
from pedrank.utils.errors import about


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_extraction(parser)
    parser.add_argument("--mode", default="paper", choices=MODES)
    parser.add_argument("--splits", required=True, nargs="+", choices=SPLITS)
    parser.add_argument("--out", required=True, help=PATTERN)
    parser.add_argument("--statistics", required=True, help=PATTERN)
    arguments = parser.parse_args()
    device = prepare_device(arguments.threads, arguments.gpu)
    dataset = load_images(arguments.images)
    with about(arguments.images):
        rows, labels = scored_rows(dataset, arguments.mode, arguments.splits)
    options = {name: getattr(arguments, name) for name in ("mode", "splits", "batch_size", "precision")}
    files = (paths([each], arguments.study) for each in (arguments.checkpoints, arguments.out, arguments.statistics))
    for checkpoint, out, out_statistics in zip(*files, strict=True):
        # Large prepared images are identified by the hashes of their source files, others by their own hash.
        inputs = [checkpoint] if dataset.made_by else [arguments.images, checkpoint]
        made_by = provenance(options, inputs) | {"images": dataset.made_by, "scored_images": len(np.unique(rows))}
        network, normalisation = load_network(checkpoint)
        with about(f"{checkpoint} on {arguments.images}"):
            statistics = extract_to(
                out,
                network,
                dataset.images,
                rows,
                labels,
                normalisation,
                arguments.batch_size,
                device,
                arguments.precision,
                made_by,
            )
        write_arrays(out_statistics, statistics.arrays(), made_by)


run(main)
