"""Time a training step: pedrank's loop, a plain loop, and pedrank's loop without fetching images.

    python benchmarks/finetune.py --threads 8

ResNet-50 at 224 pixels, random images, one process; the three run in turn, twice.

plain      the released protocol's loop: float32 (TF32 in convolutions, torch's default), NCHW, torch.optim; torchvision
           decodes and crops JPEG files in `--threads` processes
ours       pedrank.finetune as studies run it: deterministic kernels, bfloat16 if available, channels-last, crops on the
           device
bound      `ours` on one batch that is on the device already
compiled   `ours` under torch.compile, with `--compile`
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from PIL import Image
from torch.nn import functional
from torchvision import transforms

from pedrank.finetune.batches import augmented, fetched, shuffled
from pedrank.finetune.precision import fastest
from pedrank.finetune.protocol import Options
from pedrank.finetune.state import Progress
from pedrank.finetune.step import prepare_training, take_step
from pedrank.networks.build import build

IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
CLASSES = 100
WARM_UP = 5


class Files(torch.utils.data.Dataset):
    """JPEG files, decoded and cropped one by one."""

    def __init__(self, images: np.ndarray, size: int) -> None:
        self.files = []
        for image in images:
            file = io.BytesIO()
            Image.fromarray(image).save(file, "JPEG", quality=90)
            self.files.append(file.getvalue())
        self.transform = transforms.Compose(
            [
                transforms.RandomResizedCrop(size, interpolation=transforms.InterpolationMode.BICUBIC),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize(**IMAGENET),
            ]
        )

    def __len__(self) -> int:
        return 10**9

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        index %= len(self.files)
        return self.transform(Image.open(io.BytesIO(self.files[index])).convert("RGB")), index % CLASSES


def plain(architecture: str, images: np.ndarray, arguments, device: torch.device) -> Iterator[None]:
    """Take one step of the plain loop at each iteration."""
    _deterministic(False, device)
    network = build(architecture)
    model = torch.nn.Sequential(network, torch.nn.Linear(network.feature_dim, CLASSES)).to(device).train()
    optimiser = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9, weight_decay=1e-4, nesterov=True)
    loader = torch.utils.data.DataLoader(
        Files(images, arguments.size), arguments.batch, num_workers=arguments.threads, pin_memory=device.type == "cuda"
    )
    for x, y in loader:
        optimiser.zero_grad()
        functional.cross_entropy(model(x.to(device)), y.to(device)).backward()
        optimiser.step()
        yield


def ours(
    architecture: str, images: np.ndarray, arguments, device: torch.device, bound: bool = False, compiled: bool = False
) -> Iterator[None]:
    """Take one step of pedrank's loop at each iteration; with `bound`, always on the same batch."""
    _deterministic(True, device)
    options = Options(
        0.01,
        1e-4,
        WARM_UP + arguments.steps,
        arguments.batch,
        augmentation="crop_flip",
        precision=fastest(device),
        compile=compiled,
    )
    generator = torch.Generator().manual_seed(0)
    training = prepare_training(build(architecture), IMAGENET, CLASSES, options, generator, device)
    labels = torch.arange(len(images), device=device) % CLASSES
    order = shuffled(len(images), options, generator)
    progress = Progress(arguments.batch)
    if bound:
        shown = torch.rand(arguments.batch, arguments.size, arguments.size, 3, device=device) * 255
        for step, batch in enumerate(order):
            take_step(training, shown, labels[batch], step, progress)
            yield
        return
    for step, pixels in enumerate(fetched(images, order, device)):
        take_step(training, augmented(pixels, arguments.size, options, 0, step), labels[order[step]], step, progress)
        yield


def _deterministic(wanted: bool, device: torch.device) -> None:
    """Deterministic kernels on a GPU, as `pedrank.runtime.device.prepare_device` sets them, or torch's defaults."""
    if device.type == "cuda":
        torch.backends.cudnn.deterministic = wanted
        torch.use_deterministic_algorithms(wanted, warn_only=True)
        torch.utils.deterministic.fill_uninitialized_memory = False


def images_per_second(loop: Iterator[None], arguments, device: torch.device) -> float:
    for _ in range(WARM_UP):
        next(loop)
    start = _now(device)
    for _ in range(arguments.steps):
        next(loop)
    return arguments.steps * arguments.batch / (_now(device) - start)


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--architecture", default="resnet50")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--source", type=int, default=256, help="side of the cached images")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--compile", action="store_true")
    arguments = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    side = arguments.source
    images = np.random.default_rng(0).integers(0, 256, (arguments.images, side, side, 3), np.uint8)
    loops: dict[str, Callable[[], Iterator[None]]] = {
        "plain": lambda: plain(arguments.architecture, images, arguments, device),
        "ours": lambda: ours(arguments.architecture, images, arguments, device),
        "bound": lambda: ours(arguments.architecture, images, arguments, device, bound=True),
    }
    if arguments.compile:
        loops["compiled"] = lambda: ours(arguments.architecture, images, arguments, device, compiled=True)
    best = dict.fromkeys(loops, 0.0)
    for _ in range(2):
        for name, loop in loops.items():
            best[name] = max(best[name], images_per_second(loop(), arguments, device))
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    print(f"{arguments.architecture} at {arguments.size} pixels, batch {arguments.batch}, {fastest(device)}, {name}")
    for name, speed in best.items():
        print(f"{name:9}{speed:10.1f} images/s")
    print(f"ours / plain: {best['ours'] / best['plain']:.2f}; ours / bound: {best['ours'] / best['bound']:.2f}")


if __name__ == "__main__":
    main()
