"""A user's files of weights: averaged weights, types of numbers, wrappers of names, and files of other formats."""

import gzip
import io
import json
import pickle
import re
import struct
import tarfile
import zipfile

import numpy as np
import pytest
import torch
from safetensors.torch import save, save_file
from torch import nn

from pedrank.checkpoints.user_weights import weights_and_metadata
from pedrank.checkpoints.weights_in_file import weights_in_file
from pedrank.formats.safetensors_file import read_safetensors
from pedrank.formats.small_floats import float32_of
from pedrank.formats.torch_file import read_torch, tensors
from pedrank.formats.weights_format import weights_format
from pedrank.store.artefacts import write_arrays
from pedrank.user_data.feature_files import read_features
from pedrank.utils.errors import InputError

CODE = """
import torch

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.norm = torch.nn.Linear(3, 7), torch.nn.BatchNorm1d(7)

    def forward(self, images):
        return self.norm(self.layer(images.mean(dim=(2, 3))))
"""
PLAIN, AVERAGED = 1.0, 2.0  # every weight of the two sets


class Net(nn.Module):
    def __init__(self, value=PLAIN):
        super().__init__()
        self.layer, self.norm = nn.Linear(3, 7), nn.BatchNorm1d(7)
        for parameter in self.parameters():
            nn.init.constant_(parameter, value)

    def forward(self, images):
        return self.norm(self.layer(images.mean(dim=(2, 3))))


def under(prefix, state):
    return {f"{prefix}{name}": value for name, value in state.items()}


@pytest.fixture
def taken(tmp_path):
    """Save a content, and return the value of the weights that are taken from it, and the notes."""
    (tmp_path / "code.py").write_text(CODE)

    def take(content=None, name="w.pth", **fields):
        if content is not None:
            torch.save(content, tmp_path / name)
        entry = {"architecture": f"{tmp_path}/code.py:Net", "weights": str(tmp_path / name), **fields}
        weights, metadata = weights_and_metadata("mine", entry)
        (value,) = set(weights["layer.weight"].ravel().tolist())
        return value, " ".join(metadata.get("notes", []))

    return take


def averaged_model():
    """As torchvision's references: `AveragedModel` has its weights under `module.`, and the number of averages."""
    return torch.optim.swa_utils.AveragedModel(Net(AVERAGED)).state_dict()


PAIRS = {
    "timm": (lambda p, a: {"epoch": 3, "state_dict": p, "state_dict_ema": a}, ["state_dict"]),
    "timm, parallel": (lambda p, a: {"state_dict": p, "state_dict_ema": under("module.", a)}, ["state_dict"]),
    "torchvision": (lambda p, a: {"model": p, "model_ema": averaged_model(), "optimizer": {}}, ["model"]),
    "a plain dictionary": (lambda p, a: {"model": p, "ema": a, "opt": {"state": {}}}, ["model"]),
    "BasicSR": (lambda p, a: {"params": p, "params_ema": a}, ["params"]),
    "a callback of Lightning": (
        lambda p, a: {"state_dict": under("model.", p), "callbacks": {"EMA": {"ema_state_dict": under("model.", a)}}},
        ["state_dict"],
    ),
    "Lightning's WeightAveraging": (
        lambda p, a: {"state_dict": a, "current_model_state": p, "averaging_state": {"n_averaged": torch.tensor(3)}},
        ["current_model_state"],
    ),
    "mmengine": (
        lambda p, a: {"meta": {}, "message_hub": {}, "state_dict": a, "ema_state_dict": under("module.", p)},
        ["ema_state_dict"],
    ),
    "within a container": (lambda p, a: {"model": {"net": p, "net_ema": a}}, ["model", "net"]),
}


@pytest.mark.parametrize("pair", PAIRS)
def test_averaged_weights_are_taken_and_the_plain_ones_can_be(taken, pair):
    write, keys = PAIRS[pair]
    content = write(Net(PLAIN).state_dict(), Net(AVERAGED).state_dict())
    value, note = taken(content)
    assert value == AVERAGED
    assert (
        "averaged weights (EMA)" in note and f"were taken; for the plain ones, add --unwrap {' '.join(keys)}," in note
    )
    assert taken(content, unwrap=keys) == (PLAIN, "")


def test_what_lightning_saves(tmp_path, taken):
    """With its own library: the callback of Lightning 2.6 exchanges the two sets before it saves."""
    lightning = pytest.importorskip("pytorch_lightning")
    callbacks = pytest.importorskip("pytorch_lightning.callbacks.weight_averaging")

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = Net(PLAIN)

        def training_step(self, batch, index):
            return self.net(batch).sum()

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.0)

        def train_dataloader(self):
            return torch.utils.data.DataLoader(torch.zeros(4, 3, 2, 2), batch_size=2)

    module, callback = Module(), callbacks.EMAWeightAveraging()
    options = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "accelerator": "cpu"}
    trainer = lightning.Trainer(max_epochs=1, callbacks=[callback], default_root_dir=tmp_path, **options)
    trainer.fit(module)
    nn.init.constant_(callback._average_model.module.net.layer.weight, AVERAGED)
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    value, note = taken(name="last.ckpt")
    assert "--unwrap current_model_state" in note
    plain, _ = taken(name="last.ckpt", unwrap=["current_model_state"])
    assert {value, plain} == {PLAIN, AVERAGED}


@pytest.mark.parametrize("averaged", ["ema_model.module.", "model_ema.", "ema."])
def test_averaged_weights_under_a_prefix(taken, averaged):
    content = {"state_dict": under("model.", Net(PLAIN).state_dict()) | under(averaged, Net(AVERAGED).state_dict())}
    value, note = taken(content)
    assert value == AVERAGED and "for the plain ones, add --prefix 'model.'" in note
    assert taken(content, prefix="model.")[0] == PLAIN


def test_averaged_weights_without_statistics_are_not_used(taken):
    """Some averages have parameters and no buffers: the network's running mean and variance are missing."""
    averaged = dict(Net(AVERAGED).named_parameters())
    value, note = taken({"state_dict": Net(PLAIN).state_dict(), "state_dict_ema": averaged})
    assert value == PLAIN
    assert re.search(
        r"\(EMA\) under 'state_dict_ema' were not used: not the weights .* first 'norm.running_mean'", note
    )


@pytest.mark.parametrize("name", ["ema_{}", "model_ema.{}"])
def test_averaged_weights_under_other_names_are_mentioned(taken, name):
    """mmcv's hook and latent diffusion change the points in the names."""
    averaged = {name.format(key.replace(".", "_")): value for key, value in Net(AVERAGED).state_dict().items()}
    value, note = taken({"state_dict": Net(PLAIN).state_dict() | averaged})
    assert value == PLAIN
    assert f"averaged weights (EMA) were not used, first '{name.format('layer_weight')}'" in note


def test_an_average_without_names_or_without_plain_weights(taken):
    value, note = taken(
        {"state_dict": Net(PLAIN).state_dict(), "ema": {"decay": 0.9, "shadow_params": [torch.ones(3)]}}
    )
    assert (value, note) == (PLAIN, "")
    value, note = taken({"ema": Net(AVERAGED).state_dict()})
    assert value == AVERAGED and "the file has no plain ones" in note


@pytest.mark.parametrize(
    "rename",
    [
        lambda name: f"_orig_mod.{name}",
        lambda name: f"module._orig_mod.{name}",
        lambda name: f"model._orig_mod.module.{name}",
        lambda name: name.replace("layer.", "layer._orig_mod."),
        lambda name: f"_fsdp_wrapped_module.{name}".replace("layer.", "layer._fsdp_wrapped_module."),
        lambda name: name.replace("norm.", "norm._checkpoint_wrapped_module."),
    ],
)
def test_wrappers_in_names(taken, rename):
    content = {rename(name): value for name, value in Net(AVERAGED).state_dict().items()}
    assert taken({"state_dict": content}) == (AVERAGED, "")
    first = next(iter(content))
    if first.endswith(".layer.weight"):
        assert taken(content, prefix=first.removesuffix("layer.weight")) == (AVERAGED, "")


def test_the_compiled_network_itself(taken):
    """With torch's own compiler."""
    assert taken(torch.compile(Net(AVERAGED)).state_dict()) == (AVERAGED, "")


TYPES = [torch.bfloat16, torch.float16, torch.float64, torch.float8_e4m3fn, torch.float8_e5m2]


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
def test_weights_in_every_precision(tmp_path, taken, dtype, suffix):
    state = {
        key: value.to(dtype) if value.is_floating_point() else value for key, value in Net(1.5).state_dict().items()
    }
    save_file(state, tmp_path / "w.safetensors")
    torch.save(state, tmp_path / "w.pth")
    assert taken(name=f"w.{suffix}") == (1.5, "")


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_values_are_those_of_torch(tmp_path, dtype):
    """Every code of the narrow types, and random numbers of the wide ones, against torch."""
    narrow = torch.arange(256, dtype=torch.uint8).view(dtype) if dtype.itemsize == 1 else torch.randn(300).to(dtype)
    if dtype == torch.bfloat16:
        narrow = torch.arange(-(2**15), 2**15, dtype=torch.int16).view(dtype)
    save_file({"w": narrow, "n": torch.ones(0, dtype=dtype)}, tmp_path / "w.safetensors")
    torch.save({"w": narrow}, tmp_path / "w.pth")
    expected = narrow.to(torch.float64).numpy()
    found = read_safetensors(tmp_path / "w.safetensors")
    np.testing.assert_array_equal(found["w"].astype(np.float64), expected)
    assert found["n"].shape == (0,)
    np.testing.assert_array_equal(tensors(read_torch(tmp_path / "w.pth"))["w"].astype(np.float64), expected)


def test_a_code_is_a_number():
    assert float32_of(np.array([[0x38], [0xC0]], "u1"), "float8_e4m3fn").tolist() == [[1.0], [-2.0]]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_features_in_every_precision(tmp_path, dtype):
    features = torch.arange(24.0).reshape(8, 3).to(dtype)
    save_file({"features": features, "labels": torch.arange(8) % 2}, tmp_path / "f.safetensors")
    found, labels = read_features(tmp_path / "f.safetensors")
    assert found.dtype == np.float32 and found.tolist() == np.arange(24).reshape(8, 3).tolist()
    assert labels.tolist() == [0, 1] * 4


def test_the_content_decides_and_not_the_suffix(tmp_path, taken):
    """A pickle called .safetensors and safetensors called .bin (safetensors/safetensors#414)."""
    assert taken(Net(AVERAGED).state_dict(), name="w.safetensors") == (AVERAGED, "")
    (tmp_path / "pytorch_model.bin").write_bytes(save(Net(AVERAGED).state_dict()))
    assert taken(name="pytorch_model.bin") == (AVERAGED, "")


def zipped(*names):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return buffer.getvalue()


def archived():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("model.pth"))
    return buffer.getvalue()


def scripted():
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(nn.Linear(2, 2)), buffer)
    return buffer.getvalue()


def exported():
    buffer = io.BytesIO()
    torch.export.save(torch.export.export(nn.Linear(2, 2), (torch.zeros(1, 2),)), buffer)
    return buffer.getvalue()


def saved(content):
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def arrays():
    buffer = io.BytesIO()
    np.savez(buffer, kernel=np.ones(2))
    return buffer.getvalue()


INDEX = {"metadata": {"total_size": 3}, "weight_map": {"a": "x-1-of-2.bin", "b": "x-2-of-2.bin"}}
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
OTHERS = {
    "Git LFS": ("w.safetensors", lambda: POINTER, "a pointer of Git LFS .* run `git lfs pull`"),
    "web page": ("w.pth", lambda: b"\n<!DOCTYPE html>\n<html><body>Sign in", r"a web page \(HTML\)"),
    "GGUF": ("w.gguf", lambda: b"GGUF\3\0\0\0" + bytes(50), "GGUF, the format of llama.cpp"),
    "HDF5": ("w.h5", lambda: b"\x89HDF\r\n\x1a\n" + bytes(50), "HDF5: weights of Keras or TensorFlow"),
    "Keras": ("w.keras", lambda: zipped("config.json", "model.weights.h5"), "a model of Keras"),
    "ONNX": ("w.onnx", lambda: b"\x08\x07\x12\x07pytorch\x1a\x032.1:", "an ONNX graph"),
    "ONNX, other suffix": ("w.pt", lambda: b"\x08\x07\x12\x07pytorch\x1a\x032.1:", "an ONNX graph"),
    "TensorFlow": ("w.ckpt.index", lambda: bytes(50) + b"\x01\x57\xfb\x80\x8b\x24\x75\x47\xdb", "a TensorFlow checkp"),
    "TensorFlow's data": ("w.ckpt.data-00000-of-00001", lambda: b"\x01" * 50, "a part of a TensorFlow checkpoint"),
    "TorchScript": ("w.pt", scripted, r"a TorchScript program; run torch.save\(torch.jit.load\(FILE"),
    "torch.export": ("w.pt2", exported, "a program of torch.export; save the `state_dict"),
    "NumPy": ("w.npz", arrays, "an .npz of NumPy"),
    "Flax": ("w.msgpack", lambda: b"\x82\xa6params" + bytes(9), "weights of Flax"),
    "tar": ("w.pth.tar", archived, "a tar archive; unpack it"),
    "gzip": ("w.pth.gz", lambda: gzip.compress(b"x"), "compressed with gzip; unpack it"),
    "zip": ("w.pth", lambda: zipped("model/best.pth"), "a zip archive that torch.save did not write; unpack it"),
    "index": ("pytorch_model.bin.index.json", lambda: json.dumps(INDEX).encode(), "the index of a checkpoint in 2 pa"),
    "JSON": ("config.json", lambda: b'{"depth": 3}', "a JSON text and no weights"),
    "empty": ("w.pth", lambda: b"", "an empty file"),
    "zeros": ("w.pth", lambda: bytes(3000), "a file of zeros, with 3000 bytes"),
    "cut short": ("w.pth", lambda: saved({"w": torch.ones(500)})[:-700], "cut short: the end of the file is missing"),
    "cut short too": (
        "w.safetensors",
        lambda: save({"w": torch.ones(500)})[:-700],
        "cut short: .* bytes, and its head",
    ),
    "header cut short": ("w.safetensors", lambda: save({"w": torch.ones(5)})[:30], "cut short: its header alone"),
    "text": ("w.pth", lambda: b"hello world", "neither a torch file nor safetensors: it begins with b'hello wo'"),
    "pickle": ("w.pkl", lambda: pickle.dumps({"w": [1]}), "not a torch file of plain tensors"),
    "optimiser": ("o.pt", lambda: saved(torch.optim.Adam(Net().parameters()).state_dict()), "state of an optimiser"),
    "optimiser, wrapped": ("o.pt", lambda: saved({"epoch": 3, "optimizer": {"state": {}}}), "state of an optimiser"),
    "network under a key": ("y.pt", lambda: saved({"epoch": 3, "model": None, "ema": nn.Linear(2, 2)}), "under 'ema'"),
    "other keys": (
        "dino.pth",
        lambda: saved({key: Net().state_dict() for key in ("student", "teacher")}),
        "has tensors under 'student' and 'teacher'.*--unwrap student",
    ),
    "adapter": ("adapter.safetensors", lambda: save({"x.lora_A.weight": torch.ones(2, 2)}), "an adapter .LoRA."),
    "list": ("w.pth", lambda: saved([torch.ones(2)]), "not a torch file of plain tensors .a list"),
    "4 bits": (
        "w.safetensors",
        lambda: struct.pack("<Q", 64) + b'{"w":{"dtype":"F4","shape":[4],"data_offsets":[0,2]}}'.ljust(64) + b"ab",
        "'w' has the type F4, which pedrank does not read; save it as float32",
    ),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", OTHERS)
def test_other_files_get_their_true_reason(tmp_path, taken, kind):
    name, content, message = OTHERS[kind]
    (tmp_path / name).write_bytes(content())
    with pytest.raises(InputError, match=message) as error:
        taken(name=name)
    text = str(error.value)
    assert "\n" not in text and text.startswith(f"{tmp_path / name}: ")
    assert not re.search("delete|download|fetch|again.*make resume", text)
    assert (tmp_path / name).exists()


FOLDERS = {
    "FSDP": ([".metadata", "__0_0.distcp"], "a distributed checkpoint of FSDP; run `python -m torch.distributed"),
    "DeepSpeed": (["latest", "global_step9/mp_rank_00_model_states.pt"], "a checkpoint of DeepSpeed; run the script"),
    "SavedModel": (["saved_model.pb", "variables/variables.index"], "a SavedModel of TensorFlow"),
    "Hugging Face": (["config.json", "model.safetensors"], "a folder; give the file in it, for example .*model.safet"),
    "nothing": (["readme.txt"], "a folder without a file of weights"),
}


@pytest.mark.parametrize("kind", FOLDERS)
def test_folders_get_their_true_reason(tmp_path, kind):
    names, message = FOLDERS[kind]
    for name in names:
        (tmp_path / "run" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "run" / name).write_bytes(b"x")
    with pytest.raises(InputError, match=message):
        weights_format(tmp_path / "run")


def test_what_the_remedy_for_fsdp_writes_is_read(tmp_path, taken):
    """The command that the message names, on a distributed checkpoint by torch."""
    from torch.distributed import checkpoint
    from torch.distributed.checkpoint.format_utils import dcp_to_torch_save

    checkpoint.save({"model": Net(AVERAGED).state_dict()}, checkpoint_id=tmp_path / "run", no_dist=True)
    with pytest.raises(InputError, match="a distributed checkpoint of FSDP"):
        weights_format(tmp_path / "run")
    dcp_to_torch_save(tmp_path / "run", tmp_path / "w.pth")
    assert taken(name="w.pth") == (AVERAGED, "")


def test_what_the_remedy_for_torchscript_writes_is_read(tmp_path, taken):
    (tmp_path / "w.pt").write_bytes(scripted_net())
    torch.save(torch.jit.load(tmp_path / "w.pt", map_location="cpu").state_dict(), tmp_path / "new.pth")
    assert taken(name="new.pth") == (AVERAGED, "")


def scripted_net():
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.trace(Net(AVERAGED).eval(), torch.zeros(2, 3, 4, 4)), buffer)
    return buffer.getvalue()


def test_a_pipe_is_no_file(tmp_path):
    import os

    os.mkfifo(tmp_path / "w.pth")
    with pytest.raises(InputError, match="not a regular file"):
        weights_format(tmp_path / "w.pth")


def test_a_changed_file_of_pedrank_is_noticed(tmp_path):
    write_arrays(tmp_path / "w.safetensors", {"w": np.ones(9)}, {})
    assert weights_in_file(tmp_path / "w.safetensors")[0].state["w"].tolist() == [1] * 9
    content = (tmp_path / "w.safetensors").read_bytes()
    (tmp_path / "w.safetensors").write_bytes(content[:-1] + b"\x7f")
    with pytest.raises(InputError, match="differs from the seal that pedrank gave it") as error:
        weights_in_file(tmp_path / "w.safetensors")
    assert "delete" not in str(error.value)
