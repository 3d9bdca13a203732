"""Mean and standard deviation of checkpoints' features over reference images (Alg. 1, line 2)."""

import argparse
import sys
from pathlib import Path

from pedrank.checkpoints.network_file import load_network
from pedrank.datasets.dataset import load_images
from pedrank.features.extraction import PRECISIONS
from pedrank.features.resumable import extract_to
from pedrank.observation.statistics import ReferenceStatistics
from pedrank.runtime.command import run
from pedrank.runtime.device import prepare_device
from pedrank.store.artefacts import provenance, read_arrays, write_arrays
from pedrank.utils.errors import about


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", required=True, type=Path)
    parser.add_argument("--checkpoints", required=True, nargs="+", type=Path)
    parser.add_argument("--batch-size", required=True, type=int)
    parser.add_argument("--precision", default="float32", choices=PRECISIONS)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--gpu", type=int, default=0, help="1 to use a GPU if there is one")
    parser.add_argument("--out", required=True, nargs="+", type=Path, help="one for each checkpoint")
    arguments = parser.parse_args()
    device = prepare_device(arguments.threads, arguments.gpu)
    dataset = load_images(arguments.images)
    if dataset.name != "imagenet-val":
        print(f"note: {dataset.name} stands in the place of ImageNet's validation images", file=sys.stderr)
    options = {"images": dataset.name, "n": len(dataset.images)}
    options |= {"batch_size": arguments.batch_size, "precision": arguments.precision}
    for checkpoint, out in zip(arguments.checkpoints, arguments.out, strict=True):
        network, normalisation = load_network(checkpoint)
        made_by = provenance(options, [checkpoint]) | {"images": dataset.made_by}
        features = out.with_name(f".features-{out.name}")
        with about(f"{checkpoint} on {arguments.images}"):
            extract_to(
                features,
                network,
                dataset.images,
                dataset.rows(),
                None,
                normalisation,
                arguments.batch_size,
                device,
                arguments.precision,
                made_by,
            )
            statistics = ReferenceStatistics.from_features(read_arrays(features, "features")["features"])
        write_arrays(out, {"mean": statistics.mean, "std": statistics.std}, made_by)
        features.unlink()


run(main)
