"""Pickles as versions of dill wrote them: files that these versions wrote, and streams of opcodes by hand."""

import lzma
import os
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from mirror.checkpoints import layers

from pedrank.checkpoints.convert import convert
from pedrank.checkpoints.converters import haiku
from pedrank.formats.pickle_file import read_pickle
from pedrank.networks.build import build
from pedrank.store.artefacts import read_arrays
from pedrank.utils.errors import InputError

# Written by dill, NumPy and haiku of the time, with both of haiku's mappings
WRITTEN = ["0.2.7.1", "0.2.8.2", "0.3.0", "0.3.1.1", "0.3.2", "0.3.2-frozendict", "0.3.4", "0.3.5.1", "0.3.6", "0.4.0"]

# The module in which dill says a function of its own is, and the module in which NumPy's C code says it is.
LOOKED_UP = {
    "dill 0.2.7": ("dill.dill", "numpy.core._multiarray_umath"),
    "dill 0.2.8 to 0.3.4": ("dill._dill", "numpy.core._multiarray_umath"),
    "dill 0.3.2, NumPy 1.15": ("dill._dill", "numpy.core.multiarray"),
}
FORMS = [*LOOKED_UP, "dill 0.3.5", "dill 0.3.6 and later"]


def text(value):
    """BINUNICODE."""
    encoded = value.encode()
    return b"X" + struct.pack("<I", len(encoded)) + encoded


def name(module, attribute):
    """GLOBAL."""
    return f"c{module}\n{attribute}\n".encode()


def looked_up(dill, module, attribute):
    """A name as dill before 0.3.5 writes it: _get_attr(_import_module(module), attribute)."""
    module = name(dill, "_import_module") + text(module) + b"\x85R"
    return name(dill, "_get_attr") + module + text(attribute) + b"\x86R"


def function(form, module, attribute):
    if form in LOOKED_UP:
        dill, numpy = LOOKED_UP[form]
        return looked_up(dill, numpy if module == "numpy" else module, attribute)
    return name("numpy.core.multiarray" if module == "numpy" else module, attribute)


def content(form, array):
    """The bytes of an array as protocol 2 has them: encode(text in Latin-1, "latin1")."""
    return function(form, "_codecs", "encode") + text(array.tobytes().decode("latin1")) + text("latin1") + b"\x86R"


def dtype(array):
    code = text(f"{array.dtype.kind}{array.dtype.itemsize}")
    rest = b"NNNJ" + struct.pack("<i", -1) + b"J" + struct.pack("<i", -1) + b"K\x00"
    return name("numpy", "dtype") + code + b"\x89\x88\x87R(K\x03" + text("<") + rest + b"tb"


def array(form, values):
    values = np.asarray(values)
    empty = function(form, "_codecs", "encode") + text("b") + text("latin1") + b"\x86R"
    start = name("numpy", "ndarray") + b"K\x00\x85" + empty + b"\x87"
    shape = b"(" + b"".join(b"K" + bytes([size]) for size in values.shape) + b"t"
    state = b"(K\x01" + shape + dtype(values) + b"\x89" + content(form, values) + b"t"
    reconstruct = function(form, "numpy", "_reconstruct")
    if form == "dill 0.3.6 and later":
        return name("dill._dill", "_create_array") + b"(" + reconstruct + start + state + b"NtR"
    return reconstruct + start + b"R" + state + b"b"


def mapping(items):
    return b"}(" + b"".join(text(key) + value for key, value in items.items()) + b"u"


def flat_mapping(items):
    """haiku's immutable dictionary: an object whose one argument is a dictionary."""
    return name("haiku._src.data_structures", "FlatMapping") + mapping(items) + b"\x85R"


def named_tuple(form, class_name, **fields):
    keys = b"(" + b"".join(map(text, fields)) + b"t"
    dill = LOOKED_UP[form][0] if form in LOOKED_UP else "dill._dill"
    made = name(dill, "_create_namedtuple") + text(class_name) + keys + text("byol.byol_experiment") + b"\x87R"
    return made + b"(" + b"".join(fields.values()) + b"t\x81"


def scalar(form, value):
    return function(form, "numpy", "scalar") + dtype(value) + content(form, value) + b"\x86R"


def read(path, stream):
    path.write_bytes(b"\x80\x02" + stream + b".")
    return read_pickle(path)


@pytest.mark.parametrize("kind", ["<f4", "<f8", "<f2", "<i4", "<i8", "|u1"])
@pytest.mark.parametrize("form", FORMS)
def test_arrays_of_every_version_are_read(tmp_path, form, kind):
    values = np.arange(-3, 9).astype(kind).reshape(3, 4)
    found = read(tmp_path / "a.pkl", mapping({"w": array(form, values), "one": array(form, values[0, 1])}))
    assert found["w"].value.dtype == values.dtype and found["one"].value == values[0, 1]
    np.testing.assert_array_equal(found["w"].value, values)


@pytest.mark.parametrize("form", FORMS)
def test_byols_checkpoint_of_every_version_is_read(tmp_path, form):
    """A named tuple of haiku's mappings, with the optimiser's scalar, as BYOL's experiment saves itself."""
    kernel = np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4)
    network, four = "res_net50/~/", np.arange(4, dtype=np.float32)
    norm, wide = f"{network}initial_batchnorm", four.reshape(1, 1, 1, 4)
    parameters = flat_mapping(
        {
            f"{network}initial_conv": flat_mapping({"w": array(form, kernel)}),
            norm: flat_mapping({"scale": array(form, wide + 1), "offset": array(form, wide)}),
            "projector/linear": flat_mapping({"w": array(form, np.ones((2, 2), np.float32))}),
        }
    )
    state = flat_mapping(
        {
            f"{norm}/~/{kind}_ema": flat_mapping({"average": array(form, wide + shift)})
            for kind, shift in {"mean": 2, "var": 3}.items()
        }
    )
    experiment = named_tuple(
        form,
        "_ByolExperimentState",
        online_params=parameters,
        target_params=flat_mapping({}),
        online_state=state,
        target_state=flat_mapping({}),
        opt_state=scalar(form, np.int32(7)),
    )
    stream = mapping({"step": scalar(form, np.int64(300)), "experiment_state": experiment})
    (tmp_path / "byol.pkl").write_bytes(b"\x80\x02" + stream + b".")
    weights = haiku.backbone(tmp_path / "byol.pkl", {"drop": ["projector/"]})
    np.testing.assert_array_equal(weights.pop("conv1.weight"), kernel.transpose(3, 2, 0, 1))
    assert {key: value.tolist() for key, value in weights.items()} == {
        "bn1.weight": [1, 2, 3, 4],
        "bn1.bias": [0, 1, 2, 3],
        "bn1.running_mean": [2, 3, 4, 5],
        "bn1.running_var": [3, 4, 5, 6],
    }


MKDIR = text("executed") + b"\x85R"
HOSTILE = {
    "another module": (looked_up("dill._dill", "os", "mkdir") + MKDIR, "it names os.mkdir"),
    "another module, not called": (looked_up("dill._dill", "os", "mkdir"), "it names os.mkdir"),
    "another attribute": (looked_up("dill._dill", "numpy", "load") + MKDIR, "it names numpy.load"),
    "of the C module": (
        looked_up("dill._dill", "numpy.core._multiarray_umath", "fromfile") + MKDIR,
        "it names numpy.core._multiarray_umath.fromfile",
    ),
    "of codecs": (looked_up("dill.dill", "_codecs", "lookup") + MKDIR, "it names _codecs.lookup"),
    "an attribute with dots": (
        looked_up("dill._dill", "numpy", "ndarray.tofile") + MKDIR,
        "it names numpy.ndarray.tofile",
    ),
    "a special attribute": (looked_up("dill._dill", "numpy", "__dict__"), "it names numpy.__dict__"),
    "an attribute of a function": (
        name("dill._dill", "_get_attr") + name("_codecs", "encode") + text("__globals__") + b"\x86R",
        "it takes an attribute of something that is not a module",
    ),
    "an attribute of a text": (
        name("dill._dill", "_get_attr") + text("numpy") + text("ndarray") + b"\x86R",
        "it takes an attribute of something that is not a module",
    ),
    "an attribute of an attribute": (
        name("dill._dill", "_get_attr") + looked_up("dill._dill", "numpy", "ndarray") + text("extend") + b"\x86R",
        "it takes an attribute of something that is not a module",
    ),
    "a module that is called": (
        name("dill._dill", "_import_module") + text("os") + b"\x85R" + MKDIR,
        "it calls something that is not one of its classes",
    ),
    "a module that is changed": (
        name("dill._dill", "_import_module") + text("os") + b"\x85R" + mapping({"mkdir": b"N"}) + b"b",
        "it changes a Module",
    ),
    "a module that is no text": (
        name("dill._dill", "_import_module") + b"]\x85R",
        "it imports something that is not a name",
    ),
    "another function of dill": (name("dill._dill", "_load_type") + MKDIR, "it names dill._dill._load_type"),
    "dill under another name": (name("dill.source", "_import_module") + MKDIR, "it names dill.source._import_module"),
    "lines in a name": (looked_up("dill._dill", "o\ns\x1b[2J", "mk\rdir"), "it names o s"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_streams_of_the_same_opcodes_are_refused_and_nothing_runs(tmp_path, monkeypatch, case):
    monkeypatch.chdir(tmp_path)
    stream, message = HOSTILE[case]
    with pytest.raises(InputError, match=f"a.pkl: refused: {message}") as error:
        read(tmp_path / "a.pkl", stream)
    assert str(error.value).isprintable()
    assert os.listdir(tmp_path) == ["a.pkl"]


def test_a_module_is_not_imported(tmp_path, monkeypatch):
    (tmp_path / "imported_by_a_pickle.py").write_text("open('executed', 'w')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    stream = name("dill._dill", "_import_module") + text("imported_by_a_pickle") + b"\x85R"
    assert read(tmp_path / "a.pkl", stream) == "imported_by_a_pickle"
    assert not (tmp_path / "executed").exists()


def standin_weights():
    """The weights in the stand-ins of tests/reference/haiku, as its README describes them, in torchvision's names."""
    with torch.device("meta"):
        shapes = {name: tuple(tensor.shape) for name, tensor in build("resnet50").state_dict().items()}
    expected = {name: np.zeros((), np.int64) for name in shapes if name.endswith("num_batches_tracked")}
    number = 0

    def values(shape):
        nonlocal number
        number += 1
        return (np.arange(np.prod(shape)) % 89 + number).astype(np.float32).reshape(shape)

    for conv, norm in layers():
        out, inner, height, width = shapes[f"{conv}.weight"]
        expected[f"{conv}.weight"] = values((height, width, inner, out)).transpose(3, 2, 0, 1)
        expected |= {f"{norm}.{name}": values((out,)) for name in ("weight", "bias")}
        for name in ("running_mean", "running_var"):
            values((out,))  # the average before its correction of bias, which the network does not use
            expected[f"{norm}.{name}"] = values((out,))
    return expected


def unpacked(version, folder, *changes):
    """Write BYOL's file of a stand-in into a folder, with some bytes changed, as the download of the catalogue."""
    path = Path(__file__).parent / f"reference/haiku/byol-dill-{version}.pkl.xz"
    content = lzma.decompress(path.read_bytes())
    for old, new in changes:
        content = content.replace(old, new)
    target = folder / "byol_pretrain_res50x1.pkl"
    target.write_bytes(content)
    (folder / f"{target.name}.sha256").write_text(f"{'0' * 64}  {target.name}\n")
    return target


@pytest.mark.parametrize("version", WRITTEN)
def test_what_each_version_wrote_is_converted_to_the_same_tensors(tmp_path, version):
    unpacked(version, tmp_path)
    convert("byol", tmp_path, tmp_path / "out.safetensors")
    found, expected = read_arrays(tmp_path / "out.safetensors"), standin_weights()
    assert found.keys() == expected.keys() and len(found) == 318
    for name, value in expected.items():
        assert found[name].dtype == value.dtype and np.array_equal(found[name], value), name


@pytest.mark.parametrize("version", WRITTEN)
def test_a_changed_name_in_what_a_version_wrote_is_refused_and_nothing_runs(tmp_path, monkeypatch, version):
    """The file asks for os.mkdir where it asked for NumPy's function; in later versions both stand in one opcode."""
    monkeypatch.chdir(tmp_path)
    changes = [
        (text("numpy.core._multiarray_umath"), text("posix")),
        (text("_reconstruct"), text("mkdir")),
        (b"cnumpy.core.multiarray\n_reconstruct\n", b"cposix\nmkdir\n"),
    ]
    target = unpacked(version, tmp_path, *changes)
    before = set(os.listdir(tmp_path))
    with pytest.raises(InputError, match="refused: it names posix.mkdir, which is not on the list") as error:
        convert("byol", tmp_path, tmp_path / "out.safetensors")
    assert target.name in str(error.value) and "\n" not in str(error.value)
    assert set(os.listdir(tmp_path)) == before
