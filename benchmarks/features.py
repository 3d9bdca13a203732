"""Compare the speed of preparing images and of extracting features with that of the unavoidable work.

    python benchmarks/features.py  # on the CPU, or the GPU if there is one; writes docs/benchmarks-features.md

Extraction is compared with the bare forward pass of the same network on a batch in memory; preparing with Pillow's
decode and resize of the same JPEGs on the same threads. Both sides of a pair run in turns, so that other programs on
the machine slow both. The medians are compared.
"""

from __future__ import annotations

import argparse
import io
import statistics
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from pedrank.catalogue.crop import Crop
from pedrank.checkpoints.normalisations import NORMALISATIONS
from pedrank.datasets.listing import TRAIN, Rows
from pedrank.datasets.prepare import crop, write
from pedrank.features.float_precision import computing_in
from pedrank.features.normalise import normalise
from pedrank.features.resumable import extract_to
from pedrank.formats.archive import tail
from pedrank.formats.image import decode
from pedrank.store.artefacts import read_arrays, write_text
from pedrank.utils import machine
from pedrank.utils.parallel import thread_count

DOCS = Path(__file__).parent.parent / "docs"
SIZE = 224
SIDES = (64, 96, 128, 160, 224, 288)  # of the images in the figure, pixels
ROUNDS = 3
NORMALISATION = NORMALISATIONS["imagenet"]
Measured = tuple[float, float]  # images per second: the bare work, and pedrank


def in_turns(first: Callable[[], None], second: Callable[[], None], images: int, rounds: int) -> Measured:
    """Median throughput of each function in images per second, after one round to warm up."""
    seconds: list[list[float]] = [[], []]
    for _ in range(rounds + 1):
        for run, times in zip((first, second), seconds, strict=True):
            start = time.perf_counter()
            run()
            times.append(time.perf_counter() - start)
    return tuple(images / statistics.median(times[1:]) for times in seconds)


def photographs(count: int) -> list[bytes]:
    """JPEGs of 500 x 375 pixels and about 50 kB, as in the datasets."""
    from PIL import Image

    random, made = np.random.default_rng(0), []
    for _ in range(count):
        small = Image.fromarray(random.integers(0, 256, (40, 50, 3), dtype=np.uint8))
        buffer = io.BytesIO()
        small.resize((500, 375), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=90)
        made.append(buffer.getvalue())
    return made


def preparing(folder: Path, photos: list[bytes], threads: int, rounds: int) -> Measured:
    """Throughput of decoding and resizing alone, and of `prepare` from a tar.gz to the file of images."""
    rows = Rows()
    with tarfile.open(folder / "photos.tar.gz", "w:gz") as archive:
        for number, photo in enumerate(photos):
            member = tarfile.TarInfo(f"images/{number}.jpg")
            member.size = len(photo)
            archive.addfile(member, io.BytesIO(photo))
            rows.add(TRAIN, f"{number}.jpg", number % 2)
    listing = rows.listing(["a", "b"], [folder / "photos.tar.gz"], tail(1))
    card = {"source": "made here", "licence": "none"}

    def bare() -> None:
        with ThreadPoolExecutor(threads) as pool:
            for _ in pool.map(lambda photo: crop(decode(photo, "photo"), SIZE), photos):
                pass

    def whole() -> None:
        write("photos", card, listing, Crop(SIZE, SIZE), {}, folder / "images.safetensors", threads)

    return in_turns(bare, whole, len(photos), rounds)


def extracting(
    folder: Path, images: np.ndarray, device: str, precision: str, batch_size: int, batches: int, rounds: int
) -> Measured:
    """Throughput of the bare forward pass, and of `extract_to` from the memory-mapped images to the features.

    The bare pass has the given precision on a GPU, and float32 on a CPU.
    """
    import torch

    from pedrank.networks.resnets import resnet50

    count = batch_size * batches
    rows = np.arange(count)
    sequence = images[np.arange(count) % len(images)]
    np.save(folder / "sequence.npy", sequence)
    mapped = np.load(folder / "sequence.npy", mmap_mode="r")
    network = resnet50().to(device).to(memory_format=torch.channels_last).eval()
    ready = normalise(mapped[:batch_size], NORMALISATION, device)

    @torch.inference_mode()
    def bare() -> None:
        with computing_in(precision if device == "cuda" else "float32", device):
            for _ in range(batches):
                network(ready)
        if device == "cuda":
            torch.cuda.synchronize()

    def whole() -> None:
        extract_to(
            folder / "features.safetensors",
            network,
            mapped,
            rows,
            rows % max(2, min(100, count // 4)),
            NORMALISATION,
            batch_size,
            device,
            precision,
            {},
        )

    return in_turns(bare, whole, count, rounds)


def growth(folder: Path, device: str, batch_size: int, batches: int, path: Path) -> None:
    """Draw milliseconds per image by the side of the images, for the bare forward pass and for pedrank, in float32."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    random = np.random.default_rng(0)
    found = []
    for side in SIDES:
        images = random.integers(0, 256, (batch_size, side, side, 3), dtype=np.uint8)
        as_long = round(batches * (SIZE / side) ** 2 / 2)
        found.append(extracting(folder, images, device, "float32", batch_size, as_long, ROUNDS))
        print(f"{side} pixels: bare {found[-1][0]:.1f}, pedrank {found[-1][1]:.1f} images/s", file=sys.stderr)
    figure, panel = plt.subplots(figsize=(5, 3.4), layout="constrained")
    for number, (label, colour, line) in enumerate((("bare", "#999999", "--"), ("pedrank", "#0072B2", "-"))):
        panel.loglog(SIDES, [1e3 / pair[number] for pair in found], line, marker="o", color=colour, label=label)
    panel.set_xticks(SIDES, [str(side) for side in SIDES])
    panel.yaxis.set_major_formatter("{x:g}")
    panel.yaxis.set_minor_formatter("{x:g}")
    panel.minorticks_off()
    panel.set_xlabel("side of the images, pixels")
    panel.set_ylabel("ms per image")
    panel.legend(frameon=False)
    figure.savefig(path, dpi=150, metadata={"Software": None})


def plain_loop(photos: list[bytes], device: str, batch_size: int) -> float:
    """Images per second of a loop that decodes for each checkpoint, in float32, channels first, without overlap."""
    import torch

    from pedrank.networks.resnets import resnet50

    network = resnet50().to(device).eval()
    mean, std = (torch.tensor(NORMALISATION[key])[:, None, None] for key in ("mean", "std"))
    start = time.perf_counter()
    with torch.no_grad():
        for first in range(0, len(photos), batch_size):
            pictures = [crop(decode(photo, "photo"), SIZE) for photo in photos[first : first + batch_size]]
            batch = torch.stack([(torch.from_numpy(p.copy()).permute(2, 0, 1) / 255 - mean) / std for p in pictures])
            network(batch.to(device)).cpu()
    return len(photos) / (time.perf_counter() - start)


def main() -> None:
    import torch

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default=DOCS / "benchmarks-features.md", type=Path)
    arguments = parser.parse_args()
    threads = thread_count()
    torch.set_num_threads(threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    # A round takes some seconds, so that what is done once for all images (folding and its check) does not count.
    batch_size, batches, count = (256, 40, 4096) if device == "cuda" else (32, 8, 600)
    name = torch.cuda.get_device_name() if device == "cuda" else f"{machine.processor()}, {threads} threads"
    photos = photographs(count)
    lines = [
        "# Preparing images and extracting features",
        "",
        f"`python benchmarks/features.py` on {name}; ResNet-50, {SIZE} pixels, batches of {batch_size}; medians.",
        "",
        "| step | bare, images/s | pedrank, images/s | ratio |",
        "|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        bare, whole = preparing(folder, photos, threads, rounds=ROUNDS)
        images = read_arrays(folder / "images.safetensors", "images")["images"]
        lines.append(
            f"| prepare, compared with Pillow's decode and resize | {bare:.0f} | {whole:.0f} | {whole / bare:.2f} |"
        )
        if device == "cuda":
            precisions = ["float32", "float16"]
        else:
            native = {"avx512_bf16", "amx_bf16"} & set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
            precisions = ["float32", *(["bfloat16"] if native else [])]
        for precision in precisions:
            bare, whole = extracting(folder, images, device, precision, batch_size, batches, rounds=ROUNDS)
            what = f"features, {precision}, compared with the bare forward pass"
            what += "" if device == "cuda" or precision == "float32" else " in float32"
            lines.append(f"| {what} | {bare:.1f} | {whole:.1f} | {whole / bare:.2f} |")
        if device == "cuda":
            loop = plain_loop(photos, device, batch_size)
            lines.append(f"| {precision}, compared with a plain loop | {loop:.1f} | {whole:.1f} | {whole / loop:.2f} |")
        growth(folder, device, batch_size, batches, arguments.out.with_name("benchmarks-features.png"))
    lines += ["", "![milliseconds per image by the side of the images](benchmarks-features.png)"]
    write_text(arguments.out, "\n".join([*lines, ""]))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
