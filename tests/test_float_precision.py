"""float32 is not TF32, TF32 is chosen by name, and torch's settings are as before. No GPU is needed to see settings."""

import os

import numpy as np
import pytest
import torch

from pedrank.features.extraction import extract
from pedrank.features.float_precision import PRECISIONS, computing_in
from pedrank.finetune.protocol import Options
from pedrank.finetune.state import Progress
from pedrank.finetune.step import prepare_training, take_step
from pedrank.finetune.train import predict
from pedrank.runtime.device import prepare_device
from pedrank.utils.errors import InputError

BACKENDS = torch.backends
NEWER = {
    name: part
    for name, part in {
        "cudnn.conv": getattr(BACKENDS.cudnn, "conv", None),
        "cudnn.rnn": getattr(BACKENDS.cudnn, "rnn", None),
        "cuda.matmul": BACKENDS.cuda.matmul,
        "mkldnn.conv": getattr(BACKENDS.mkldnn, "conv", None),
        "mkldnn.matmul": getattr(BACKENDS.mkldnn, "matmul", None),
    }.items()
    if hasattr(part, "fp32_precision")
}
NORMALISATION = {"mean": [0.5] * 3, "std": [0.5] * 3}


def _settings():
    found = {name: part.fp32_precision for name, part in NEWER.items()}
    readers = {
        "allow_tf32": lambda: BACKENDS.cudnn.allow_tf32,
        "products": torch.get_float32_matmul_precision,
        "products on a GPU": lambda: BACKENDS.cuda.matmul.allow_tf32,
    }
    for name, read in readers.items():
        try:
            found[name] = read()
        except RuntimeError:  # settings that contradict each other
            found[name] = None
    return found


@pytest.fixture(autouse=True)
def torchs_settings_after_the_test():
    kept = _settings()
    yield
    torch.set_float32_matmul_precision(kept["products"])
    BACKENDS.cudnn.allow_tf32 = kept["allow_tf32"]
    for name, part in NEWER.items():
        part.fp32_precision = kept[name]


def _nothing():
    pass


def _high():
    torch.set_float32_matmul_precision("high")


def _medium():
    torch.set_float32_matmul_precision("medium")


def _without_tf32():
    BACKENDS.cudnn.allow_tf32 = False


def _newer():
    for part in NEWER.values():
        part.fp32_precision = "tf32"


@pytest.mark.parametrize("before", [_nothing, _high, _medium, _without_tf32, _newer])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_each_precision_has_its_settings_and_leaves_none(precision, before):
    before()
    kept = _settings()
    with pytest.raises(ZeroDivisionError), computing_in(precision, "cpu"):
        now = _settings()
        assert now["allow_tf32"] is now["products on a GPU"] is (precision == "tf32")
        assert now["products"] == ("high" if precision == "tf32" else "highest")
        for name in NEWER:
            assert now[name] == ("tf32" if precision == "tf32" and name.startswith("cud") else "ieee")
        assert torch.is_autocast_enabled("cpu") == (precision in ("bfloat16", "float16"))
        raise ZeroDivisionError
    readable = {name for name, value in kept.items() if value is not None}
    assert {name: value for name, value in _settings().items() if name in readable} == {n: kept[n] for n in readable}
    assert not torch.is_autocast_enabled("cpu")


def test_an_unknown_precision_is_refused():
    with pytest.raises(InputError, match="unknown precision 'bf16'; choose from float32, tf32, bfloat16, float16"):
        extract(Network(), np.zeros((2, 8, 8, 3), np.uint8), NORMALISATION, precision="bf16")


class Network(torch.nn.Module):
    """Mean colours; it notes the settings under which it runs."""

    feature_dim = 3

    def __init__(self) -> None:
        super().__init__()
        self.scale, self.seen = torch.nn.Parameter(torch.ones(3)), []

    def forward(self, images):
        self.seen.append(_settings())
        return images.mean((2, 3)) * self.scale


@pytest.mark.parametrize("precision", ["float32", "tf32"])
def test_extraction_and_training_compute_in_it(precision):
    _high()  # as a notebook may have set it
    kept, network, images = _settings(), Network(), np.zeros((4, 8, 8, 3), np.uint8)
    extract(network, images, NORMALISATION, batch_size=2, precision=precision)
    options = Options(0.1, 0.0, steps=1, batch_size=4, precision=precision)
    training = prepare_training(
        network, NORMALISATION, 2, options, torch.Generator().manual_seed(0), torch.device("cpu")
    )
    seen = next(module for module in training.model.modules() if isinstance(module, Network)).seen
    del seen[:]
    take_step(training, torch.zeros(4, 8, 8, 3), torch.tensor([0, 1, 0, 1]), 0, Progress(4))
    trained, _ = list(seen), seen.clear()
    predict(training.model, images, np.arange(4), training.mean, training.std)
    assert len(trained) == len(seen) == 1 and len(network.seen) >= 2
    # The first one in extraction may be the trial of a folded network.
    for settings in [network.seen[-1], *trained]:
        assert settings["allow_tf32"] is (precision == "tf32")
    assert seen[0]["allow_tf32"] is False  # tests are in float32
    assert _settings() == kept


def test_a_script_on_a_gpu_is_deterministic_and_in_float32(monkeypatch):
    """The GPU is simulated; only the settings are seen."""
    kept = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    filled = torch.utils.deterministic.fill_uninitialized_memory
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "set_device", lambda index: None)
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    _high()
    try:
        assert prepare_device(torch.get_num_threads(), 0) == torch.device("cpu")
        assert not torch.are_deterministic_algorithms_enabled()
        assert prepare_device(torch.get_num_threads(), 1) == torch.device("cuda", 0)
        assert torch.are_deterministic_algorithms_enabled() and torch.is_deterministic_algorithms_warn_only_enabled()
        assert not torch.utils.deterministic.fill_uninitialized_memory
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
        assert not BACKENDS.cudnn.allow_tf32 and torch.get_float32_matmul_precision() == "highest"
    finally:
        torch.use_deterministic_algorithms(kept[0], warn_only=kept[1])
        torch.utils.deterministic.fill_uninitialized_memory = filled
