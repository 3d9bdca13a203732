"""Extract the features of checkpoints on the scored rows of one dataset, and their class statistics."""

import argparse
from pathlib import Path

from pedrank.checkpoints.network_file import load_network
from pedrank.datasets.dataset import SPLITS, load_images
from pedrank.datasets.scored_rows import MODES, scored_rows
from pedrank.features.extraction import PRECISIONS
from pedrank.features.resumable import extract_to
from pedrank.runtime.command import run
from pedrank.runtime.device import prepare_device
from pedrank.store.artefacts import provenance, write_arrays
from pedrank.utils.errors import about


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", required=True, type=Path)
    parser.add_argument("--checkpoints", required=True, nargs="+", type=Path)
    parser.add_argument("--mode", default="paper", choices=MODES)
    parser.add_argument("--splits", required=True, nargs="+", choices=SPLITS)
    parser.add_argument("--batch-size", required=True, type=int)
    parser.add_argument("--precision", default="float32", choices=PRECISIONS)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--gpu", type=int, default=0, help="1 to use a GPU if there is one")
    parser.add_argument("--out", required=True, nargs="+", type=Path, help="one for each checkpoint")
    parser.add_argument("--statistics", required=True, nargs="+", type=Path, help="one for each checkpoint")
    arguments = parser.parse_args()
    device = prepare_device(arguments.threads, arguments.gpu)
    dataset = load_images(arguments.images)
    with about(arguments.images):
        rows, labels = scored_rows(dataset, arguments.mode, arguments.splits)
    options = {name: getattr(arguments, name) for name in ("mode", "splits", "batch_size", "precision")}
    for checkpoint, out, out_statistics in zip(arguments.checkpoints, arguments.out, arguments.statistics, strict=True):
        # Images of gigabytes are known by the files that they were made from, others by their own hash.
        inputs = [checkpoint] if dataset.made_by else [arguments.images, checkpoint]
        made_by = provenance(options, inputs) | {"images": dataset.made_by}
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
        arrays = {"counts": statistics.counts, "means": statistics.means, "variances": statistics.variances}
        write_arrays(out_statistics, arrays, made_by)


run(main)
