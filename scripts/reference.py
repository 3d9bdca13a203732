"""Compute mean and standard deviation of checkpoints' features over reference images (Alg. 1, line 2)."""

import argparse
import sys

from pedrank.checkpoints.network_file import load_network
from pedrank.datasets.dataset import load_images
from pedrank.features.resumable import extract_to
from pedrank.observation.statistics import ReferenceStatistics
from pedrank.runtime.arguments import PATTERN, add_extraction
from pedrank.runtime.command import run
from pedrank.runtime.device import prepare_device
from pedrank.store.artefacts import provenance, read_arrays, write_arrays
from pedrank.study.names import paths
from pedrank.utils.errors import about


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_extraction(parser)
    parser.add_argument("--out", required=True, help=PATTERN)
    arguments = parser.parse_args()
    device = prepare_device(arguments.threads, arguments.gpu)
    dataset = load_images(arguments.images)
    if dataset.name != "imagenet-val":
        print(
            f"note: the reference images are those of {dataset.name}; the paper uses ImageNet's validation images",
            file=sys.stderr,
        )
    options = {"images": dataset.name, "n": len(dataset.images)}
    options |= {"batch_size": arguments.batch_size, "precision": arguments.precision}
    files = (paths([each], arguments.study) for each in (arguments.checkpoints, arguments.out))
    for checkpoint, out in zip(*files, strict=True):
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
        write_arrays(out, statistics.arrays(), made_by)
        features.unlink()


run(main)
