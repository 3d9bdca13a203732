"""Networks on a device: features, and fine-tuning that continues after an interruption. CUDA is tried if present."""

import contextlib

import numpy as np
import pytest
import torch

from pedrank.features import extraction
from pedrank.features.extraction import extract
from pedrank.features.transfer import receive, send
from pedrank.finetune.protocol import Options
from pedrank.finetune.state import Progress
from pedrank.finetune.step import prepare_training, take_step
from pedrank.networks.build import build
from pedrank.runtime.device import prepare_device
from pedrank.utils.errors import InputError

DEVICES = ["cpu:0", *(["cuda"] if torch.cuda.is_available() else [])]
NORMALISATION = {"mean": [0.5] * 3, "std": [0.25] * 3}


@pytest.fixture(params=DEVICES)
def device(request):
    """A device, prepared as for a script; torch's settings are as before afterwards."""
    kept = torch.are_deterministic_algorithms_enabled()
    prepare_device(torch.get_num_threads(), gpu=int(request.param == "cuda"))
    yield torch.device(request.param)
    torch.use_deterministic_algorithms(kept)


@pytest.mark.parametrize(("precision", "close"), [("float32", 1e-4), ("tf32", 1e-2), ("bfloat16", 5e-2)])
def test_features_are_those_of_the_cpu(precision, close, device):
    torch.manual_seed(0)
    network = build("tiny-resnet")
    images = np.random.default_rng(0).integers(0, 256, (7, 32, 32, 3), np.uint8)
    expected = extract(network, images, NORMALISATION, batch_size=3)
    found = [extract(network, images, NORMALISATION, 3, device, precision) for _ in range(2)]
    np.testing.assert_allclose(found[0], expected, atol=close * np.abs(expected).max())
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_resumed_training_is_the_same_bit_for_bit(precision, device):
    torch.manual_seed(0)
    network = build("tiny-resnet")
    options = Options(0.1, 1e-3, steps=6, batch_size=8, precision=precision)
    rng = np.random.default_rng(0)
    batches = torch.from_numpy(rng.integers(0, 256, (6, 8, 32, 32, 3), np.uint8)).float().to(device)
    targets = torch.from_numpy(rng.integers(0, 3, (6, 8))).to(device)

    def trained(interrupted: bool) -> dict[str, torch.Tensor]:
        training = prepare_training(network, NORMALISATION, 3, options, torch.Generator().manual_seed(1), device)
        for step in range(6):
            if interrupted and step == 3:
                saved = {name: tensor.cpu().clone() for name, tensor in training.tensors().items()}
                training = prepare_training(
                    network, NORMALISATION, 3, options, torch.Generator().manual_seed(2), device
                )
                with torch.no_grad():
                    for name, tensor in training.tensors().items():
                        tensor.copy_(saved[name])
            take_step(training, batches[step], targets[step], step, Progress(8))
        return training.tensors()

    whole, resumed = trained(interrupted=False), trained(interrupted=True)
    assert len(whole) > 10
    for name, tensor in whole.items():
        assert torch.equal(tensor, resumed[name]), name


def test_a_batch_is_copied_in_its_own_stream_and_waited_for(monkeypatch):
    """The GPU is simulated: the test sees what is called, in which stream and order."""
    calls, empty = [], torch.empty

    class Stream:
        device = torch.device("cpu")

        def record_event(self):
            calls.append("event")
            return "arrived"

        def wait_event(self, event):
            calls.append(f"wait for {event}")

    class Sent(torch.Tensor):
        def record_stream(self, stream):
            calls.append("kept for the stream")

    @contextlib.contextmanager
    def within(stream):
        calls.append("copying begins")
        yield
        calls.append("copying ends")

    def pinned(*shape, pin_memory, **kwargs):
        assert pin_memory
        return empty(*shape, **kwargs).as_subclass(Sent)

    monkeypatch.setattr(torch, "empty", pinned)
    monkeypatch.setattr(torch.cuda, "stream", within)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: Stream())
    images = np.arange(2 * 3 * 2 * 2 * 3, dtype=np.uint8).reshape(6, 2, 2, 3)
    images.flags.writeable = False
    found = receive(*send(images, np.array([4, 1]), Stream()), torch.device("cpu"))
    np.testing.assert_array_equal(np.asarray(found), images[[4, 1]])
    assert calls == ["copying begins", "event", "copying ends", "wait for arrived", "kept for the stream"]


@pytest.mark.parametrize("where", ["network", "copy"])
def test_a_batch_that_does_not_fit_is_halved(where, monkeypatch):
    """Memory runs out in the network or while the next batch is copied; no image is lost, and the order stays."""
    images = np.random.default_rng(0).integers(0, 256, (11, 8, 8, 3), np.uint8)
    pool = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    expected = extract(pool, images, NORMALISATION)

    def small(count):
        if count > 2:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    class Full(torch.nn.Module):
        def forward(self, x):
            small(len(x) if where == "network" else 1)
            return pool(x)

    def copied(images, rows, stream):
        small(len(rows) if where == "copy" else 1)
        return send(images, rows, stream)

    monkeypatch.setattr(extraction, "send", copied)
    np.testing.assert_array_equal(extract(Full(), images, NORMALISATION, batch_size=8), expected)
    monkeypatch.setattr(extraction, "send", lambda images, rows, stream: small(3))
    with pytest.raises(InputError, match="one image does not fit into the GPU's memory"):
        extract(Full(), images, NORMALISATION, batch_size=8)
