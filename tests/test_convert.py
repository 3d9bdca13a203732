"""Converting checkpoints: exactly the backbone's keys, bit for bit, and nothing that a pickle could run."""

import os
import pickle

import numpy as np
import pytest
import torch

from pedrank.artefacts import read_arrays, read_metadata
from pedrank.catalogue import catalogue
from pedrank.checkpoints import load
from pedrank.checkpoints.convert import convert
from pedrank.errors import InputError
from pedrank.networks import build


def _as_released(name: str, network: torch.nn.Module) -> dict:
    """A stand-in for the released file: nesting, prefix and head as catalogued, counters of batches left out."""
    entry = catalogue("checkpoints")[name]
    prefix = entry.get("prefix", "")
    state = {f"{prefix}{key}": value for key, value in network.state_dict().items() if "num_batches" not in key}
    state[f"{prefix}{'fc' if 'encoder_q' in prefix else 'projection_head.0'}.weight"] = torch.ones(128, 2048)
    if "encoder" in prefix:
        state["module.encoder_k.conv1.weight"] = torch.ones(1)
    state["module.prototypes.weight"] = torch.ones(1)
    for key in reversed(entry.get("unwrap", [])):
        state = {key: state, "epoch": 200}
    return state


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return build("resnet50").eval()


@pytest.mark.parametrize("name", ["moco-v2", "insdis", "swav"])
def test_a_converted_checkpoint_is_the_network(tmp_path, network, name):
    torch.save(_as_released(name, network), tmp_path / "released.pth")
    convert(name, tmp_path / "released.pth", tmp_path / "out.safetensors")
    converted, normalisation = load(tmp_path / "out.safetensors")
    assert normalisation["mean"] == [0.485, 0.456, 0.406]
    image = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(converted(image), network(image))


def test_missing_and_misshapen_keys_are_named(tmp_path, network):
    state = _as_released("moco-v2", network)
    del state["state_dict"]["module.encoder_q.layer1.0.conv1.weight"]
    torch.save(state, tmp_path / "a.pth")
    with pytest.raises(InputError, match="a.pth: not the weights of resnet50.*layer1.0.conv1.weight"):
        convert("moco-v2", tmp_path / "a.pth", tmp_path / "out.safetensors")
    assert not (tmp_path / "out.safetensors").exists()


class _Malicious:
    def __reduce__(self):
        return os.mkdir, ("executed",)


@pytest.mark.parametrize("content", [pickle.dumps(_Malicious()), b"<html>", b"", pickle.dumps({"state_dict": 3})])
def test_foreign_pickles_and_pages_are_refused_and_nothing_runs(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.pth").write_bytes(content)
    with pytest.raises(InputError, match="a.pth: not a torch file of plain tensors") as error:
        convert("moco-v2", tmp_path / "a.pth", tmp_path / "out.safetensors")
    assert "\n" not in str(error.value)
    assert os.listdir(tmp_path) == ["a.pth"]


@pytest.mark.parametrize("name", ["byol", "simclr-v1", "simclr-v2"])
def test_formats_that_are_not_read_yet_say_so(tmp_path, name):
    with pytest.raises(InputError, match=f"{name}: reading the .* format is not built yet"):
        convert(name, tmp_path / "a", tmp_path / "out.safetensors")


def test_a_shipped_checkpoint_is_taken_as_it_is(tmp_path):
    convert("simclr-tiny", None, tmp_path / "out.safetensors")
    assert read_metadata(tmp_path / "out.safetensors")["architecture"] == "tiny-resnet"
    assert all(np.isfinite(array).all() for array in read_arrays(tmp_path / "out.safetensors").values())
