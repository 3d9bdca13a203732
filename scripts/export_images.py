"""Write an embedded dataset as JPEG files with one folder per class: photos to try `pedrank rank` on."""

import argparse
from pathlib import Path

from pedrank.datasets.embedded.loader import load_embedded
from pedrank.runtime.command import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True, help="digits, fashion-mnist or mnist")
    parser.add_argument("--limit", type=int, help="images per class (default: all)")
    parser.add_argument("--out", required=True, type=Path)
    arguments = parser.parse_args()
    from PIL import Image

    dataset = load_embedded(arguments.dataset)
    written = [0] * len(dataset.class_names)
    for image, label in zip(dataset.images, dataset.labels, strict=True):
        if arguments.limit is None or written[label] < arguments.limit:
            folder = arguments.out / dataset.class_names[label].lower().replace("/", "-").replace(" ", "-")
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(folder / f"{written[label]:05d}.jpg", quality=95)
            written[label] += 1


run(main)
