"""Networks on a device: features, and fine-tuning that continues after an interruption. CUDA is tried if present."""

import numpy as np
import pytest
import torch

from pedrank.features.extraction import extract
from pedrank.finetune.protocol import Options
from pedrank.finetune.state import Progress
from pedrank.finetune.step import prepare_training, take_step
from pedrank.networks.build import build
from pedrank.runtime.device import prepare_device

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
