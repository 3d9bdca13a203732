"""Torch files with objects beside the tensors: tensors are read as they were saved, nothing else does anything."""

import argparse
import collections
import datetime
import enum
import io
import os
import pathlib
import pickle
import random
import struct
import sys
import zipfile

import numpy as np
import pytest
import torch
from torch import nn

from pedrank.checkpoints.converters.torch import backbone
from pedrank.checkpoints.user_weights import weights_and_metadata
from pedrank.formats.torch_file import read_torch, tensors
from pedrank.utils.errors import InputError

KINDS = ["float32", "float64", "float16", "complex64", "complex128", "bool"]
KINDS += [*("int64", "int32", "int16", "int8"), *("uint64", "uint32", "uint16", "uint8")]


def read_weights(path, unwrap, prefix):
    return backbone(path, {"unwrap": unwrap, "prefix": prefix})


class Schedule(enum.Enum):
    COSINE = 1


class Settings(dict):
    """A mapping of somebody's own."""


def optimiser():
    """The state of an optimiser after a step."""
    network = nn.Linear(2, 3)
    adam = torch.optim.AdamW(network.parameters())
    network(torch.ones(1, 2)).sum().backward()
    adam.step()
    return adam.state_dict()


def default_mapping():
    mapping = collections.defaultdict(list, {"loss": [1.0, 2.0]})
    mapping[None] = [3]
    return mapping


FOREIGN = {
    "namespace": lambda: argparse.Namespace(lr=0.1, folder=pathlib.Path("/tmp/x"), milestones=[1, 2]),
    "NumPy scalar": lambda: np.float64(0.5),
    "NumPy array": lambda: np.arange(6.0).reshape(2, 3),
    "NumPy array of objects": lambda: np.array([None, {}], dtype=object),
    "NumPy's random state": lambda: np.random.get_state(),
    "NumPy's generator": lambda: np.random.default_rng(0),
    "Python's random state": lambda: random.getstate(),
    "torch's random state": lambda: torch.get_rng_state(),
    "path": lambda: pathlib.Path("/tmp/x"),
    "defaultdict": default_mapping,
    "Counter": lambda: collections.Counter("abca"),
    "deque": lambda: collections.deque([1, 2], maxlen=3),
    "mapping of one's own": lambda: Settings(lr=0.1, inner=Settings(a=1)),
    "set": lambda: {1, 2, 3},
    "frozen set": lambda: frozenset({"a"}),
    "enum": lambda: Schedule.COSINE,
    "time": lambda: datetime.datetime(2020, 8, 1),
    "class": lambda: argparse.Namespace,
    "function": lambda: os.getcwd,
    "type, device and size": lambda: (torch.float16, torch.device("cpu"), torch.Size([2]), torch.strided),
    "keys of every kind": lambda: {None: 1, 0.5: 2, True: 3, ("a", 1): 4, (("a",), 1): 5, Schedule.COSINE: 6, b"x": 7},
    "long number": lambda: 2**3000,
    "bytes": lambda: (b"\x00\xff", bytearray(b"abc"), 1j, None, ..., slice(1, 2)),
    "network": lambda: nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)),
    "optimiser": optimiser,
    "scheduler": lambda: torch.optim.lr_scheduler.StepLR(torch.optim.SGD([torch.ones(1)]), 3).state_dict(),
    "sparse": lambda: torch.eye(3).to_sparse(),
    "quantised": lambda: torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8),
    "float8": lambda: torch.ones(3).to(torch.float8_e4m3fn),
    "conjugate": lambda: torch.ones(3, dtype=torch.complex64).conj(),
    "storage": lambda: torch.ones(3).untyped_storage(),
}


def state():
    weight = torch.arange(12.0).reshape(3, 4)
    return collections.OrderedDict(
        w=weight, view=weight[1:, ::2], turned=weight.T, bias=nn.Parameter(torch.ones(3)), n=torch.tensor(3)
    )


def is_state(found):
    expected = {name: value.detach().numpy() for name, value in state().items()}
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value)
        assert found[name].dtype == value.dtype


WAYS = {
    "new": {},
    "protocol 4": {"pickle_protocol": 4},
    "before 1.6": {"_use_new_zipfile_serialization": False},
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("foreign", FOREIGN)
@pytest.mark.parametrize("way", WAYS)
def test_tensors_are_read_whatever_stands_beside_them(tmp_path, way, foreign):
    path = tmp_path / "a.pth"
    for content in (
        {"args": FOREIGN[foreign](), "state_dict": state(), "epoch": 3},
        {"state_dict": state() | {"args": FOREIGN[foreign]()}},
    ):
        torch.save(content, path, **WAYS[way])
        found = read_weights(path, ["state_dict"], "")
        found.pop("args", None)
        is_state(found)
    torch.save(state() | {f"module.{name}": value for name, value in state().items()}, path, **WAYS[way])
    is_state(read_weights(path, [], "module."))


@pytest.mark.parametrize("kind", [*KINDS, "bfloat16"])
@pytest.mark.parametrize("way", WAYS)
def test_every_type_is_read_as_it_was_saved(tmp_path, way, kind):
    base = torch.arange(-8, 16).to(torch.int64).abs()
    tensor = base.to(getattr(torch, kind)).reshape(4, 6)
    content = {
        "whole": tensor,
        "part": tensor[1:3, 1:5],
        "turned": tensor.T,
        "none": tensor[:0],
        "one": tensor[2, 3],
        "spread": tensor[0, :1].expand(5),
    }
    torch.save(content, tmp_path / "a.pth", **WAYS[way])
    found = tensors(read_torch(tmp_path / "a.pth"))
    for name, value in content.items():
        value = value.float() if kind == "bfloat16" else value
        np.testing.assert_array_equal(found[name], value.numpy())
        assert found[name].dtype == value.numpy().dtype and found[name].shape == tuple(value.shape)


def test_a_file_of_a_machine_with_the_other_byte_order(tmp_path):
    buffer = io.BytesIO()
    torch.save({"w": torch.tensor([1.0, 2.5]), "n": torch.tensor([7])}, buffer)
    with zipfile.ZipFile(buffer) as old, zipfile.ZipFile(tmp_path / "a.pth", "w") as new:
        for name in old.namelist():
            content = old.read(name)
            content = b"big" if name.endswith("/byteorder") else content
            if "/data/" in name:
                content = np.frombuffer(content, f"u{8 if len(content) == 8 and name.endswith('1') else 4}").byteswap()
                content = content.tobytes()
            new.writestr(name, content)
    found = tensors(read_torch(tmp_path / "a.pth"))
    assert found["w"].tolist() == [1.0, 2.5] and found["n"].tolist() == [7] and found["w"].dtype.isnative


class _Call:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("function", [os.mkdir, os.system, eval, exec, np.load, torch.load, pickle.loads, getattr])
def test_nothing_that_stands_beside_the_tensors_runs(tmp_path, monkeypatch, function, way):
    monkeypatch.chdir(tmp_path)
    command = {os.system: "mkdir executed", os.mkdir: "executed", getattr: os}.get(
        function, "__import__('os').mkdir('executed')"
    )
    arguments = (argparse.Namespace, "mkdir") if function is getattr else (command,)
    torch.save({"state_dict": state(), "args": _Call(function, *arguments)}, "a.pth", **WAYS[way])
    before = set(sys.modules)
    is_state(read_weights(tmp_path / "a.pth", ["state_dict"], ""))
    assert os.listdir(tmp_path) == ["a.pth"] and not {"executed"} & (set(sys.modules) - before)


def test_a_class_is_not_imported(tmp_path, monkeypatch):
    (tmp_path / "trainer_of_a_file.py").write_text("open('executed', 'w')\nclass Options: pass\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    replaced(tmp_path / "a.pth", b"}(X\x01\x00\x00\x00wctrainer_of_a_file\nOptions\n)\x81}X\x01\x00\x00\x00aK\x01sbu.")
    assert tensors(read_torch(tmp_path / "a.pth")) == {} and not (tmp_path / "executed").exists()
    assert "trainer_of_a_file" not in sys.modules


def replaced(path, stream, size=24):
    """A file with one storage of `size` bytes and a pickle by hand."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", b"\x80\x02" + stream)
        archive.writestr("a/data/0", np.arange(size // 4, dtype="<f4").tobytes())


def tensor(offset=0, size=(6,), stride=(1,), count=6):
    """The opcodes of {"w": a tensor}, as torch writes them."""

    def number(value):
        return b"\x8a\x09" + struct.pack("<qb", value, -1 if value < 0 else 0) if type(value) is int else value

    def numbers(values):
        return b"(" + b"".join(map(number, values)) + b"t"

    storage = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu"
    storage += number(count) + b"tQ"
    rebuilt = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + number(offset) + numbers(size) + numbers(stride)
    return b"}X\x01\x00\x00\x00w" + rebuilt + b"\x89ccollections\nOrderedDict\n)RtRs."


def test_the_stream_by_hand_is_a_tensor(tmp_path):
    replaced(tmp_path / "a.pth", tensor(1, (2, 2), (2, 1)))
    assert tensors(read_torch(tmp_path / "a.pth"))["w"].tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    "given, message",
    [
        ({"size": (7,)}, "a tensor is larger than its storage"),
        ({"offset": 1}, "a tensor is larger than its storage"),
        ({"stride": (2,)}, "a tensor is larger than its storage"),
        ({"size": (2, 3), "stride": (5, 1)}, "a tensor is larger than its storage"),
        ({"size": (2**61, 2**61), "stride": (0, 0)}, "a tensor repeats its values over and over"),
        ({"size": (2**21,), "stride": (0,)}, "a tensor repeats its values over and over"),
        ({"offset": -1}, "a tensor has no sensible shape"),
        ({"offset": 5, "stride": (-1,)}, "a tensor has no sensible shape"),
        ({"size": (-6,)}, "a tensor has no sensible shape"),
        ({"size": (2, 3)}, "a tensor has no sensible shape"),
        ({"size": (1,) * 65, "stride": (1,) * 65}, "a tensor has no sensible shape"),
        ({"size": (b"G@\x18\x00\x00\x00\x00\x00\x00",)}, "a tensor has no sensible shape"),
        ({"size": (b"\x88",)}, "a tensor has no sensible shape"),
        ({"count": 7}, "its storage 0 has another size than stated"),
        ({"count": -1}, "a storage has no sensible size"),
    ],
)
def test_a_tensor_outside_its_storage_is_refused(tmp_path, given, message):
    replaced(tmp_path / "a.pth", tensor(**given))
    with pytest.raises(InputError, match=f"a.pth: not a torch file of plain tensors .{message}") as error:
        read_torch(tmp_path / "a.pth")
    assert "\n" not in str(error.value)


def test_a_changed_byte_is_noticed(tmp_path):
    torch.save({"w": torch.full((100,), 7.0)}, tmp_path / "a.pth")
    content = (tmp_path / "a.pth").read_bytes()
    at = content.index(struct.pack("<f", 7.0) * 50)
    (tmp_path / "a.pth").write_bytes(content[:at] + b"\x01" + content[at + 1 :])
    with pytest.raises(InputError, match="a.pth: not a torch file of plain tensors .Bad CRC-32"):
        read_torch(tmp_path / "a.pth")


@pytest.mark.parametrize("way", WAYS)
def test_a_whole_network_is_answered_with_what_to_save(tmp_path, way):
    torch.save(nn.Linear(2, 2), tmp_path / "a.pth", **WAYS[way])
    with pytest.raises(InputError, match="a.pth: holds a whole object, such as a network.*`state_dict\\(\\)`") as error:
        read_torch(tmp_path / "a.pth")
    assert "download" not in str(error.value)


@pytest.mark.parametrize("content", [[torch.ones(2)], torch.ones(2), 3])
def test_other_contents_are_refused(tmp_path, content):
    torch.save(content, tmp_path / "a.pth")
    with pytest.raises(InputError, match="not a torch file of plain tensors .a (list|Tensor|int)"):
        read_torch(tmp_path / "a.pth")


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"epoch": 9, "best": torch.tensor(69.7), "state_dict": state},
        lambda state: {"model": {"scale": torch.ones(1), "net": state}, "rng": torch.ones(9)},
        lambda state: {"model": {"args": argparse.Namespace(), None: 1}, "state_dict": state},
        lambda state: state | {"model": {"note": "none"}},
    ],
    ids=["a score beside it", "within another", "after an empty one", "beside an empty one"],
)
def test_a_users_container_is_found(tmp_path, wrap):
    (tmp_path / "code.py").write_text(
        "import torch\nclass Net(torch.nn.Linear):\n"
        "    def forward(self, images):\n        return super().forward(images.mean(dim=(2, 3)))\n"
        "def net():\n    return Net(3, 7)\n"
    )
    weights = {"weight": torch.ones(7, 3), "bias": torch.arange(7.0)}
    torch.save(wrap(weights), tmp_path / "w.pth")
    entry = {"architecture": f"{tmp_path}/code.py:net", "weights": str(tmp_path / "w.pth")}
    found, _ = weights_and_metadata("mine", entry)
    assert found["bias"].tolist() == list(range(7)) and found["weight"].tolist() == [[1] * 3] * 7


def test_a_dictionary_that_contains_itself_ends(tmp_path):
    content = {"note": "none\nat all"}
    content["model"] = content
    torch.save(content, tmp_path / "w.pth")
    entry = {"architecture": "tiny-resnet", "weights": str(tmp_path / "w.pth")}
    with pytest.raises(InputError, match="no weights under the keys note, model"):
        weights_and_metadata("mine", entry)
