"""Hostile arrays: safetensors of every kind, checkpoints of every format. Read, or refused in one line."""

import argparse
import collections
import io
import json
import pickle
import re
import struct
import zipfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from fuzz import fuzzed
from fuzz.cage import caged
from fuzz.inputs import mutated, replaced
from hypothesis import given
from hypothesis import strategies as st
from mirror.tensor_bundle import block, field, varint, write_bundle

from pedrank.checkpoints.converters import simclr
from pedrank.checkpoints.converters import torch as torch_converter
from pedrank.checkpoints.network_file import load_network
from pedrank.datasets.dataset import Dataset, load_images, save_images
from pedrank.formats.safetensors_file import read_safetensors
from pedrank.formats.tensor_bundle import read_bundle
from pedrank.formats.weights_format import weights_format
from pedrank.observation.statistics import ReferenceStatistics
from pedrank.refinements import refinement_file
from pedrank.refinements.ped import refine
from pedrank.store.artefacts import read_arrays, read_metadata, write_arrays
from pedrank.user_data.feature_files import read_named
from pedrank.utils.errors import about
from pedrank.utils.paths import PACKAGE


@cache
def honest(tmp=Path("/tmp")) -> dict[str, bytes]:
    """A file of each kind."""
    import tempfile

    random = np.random.default_rng(0)
    features, labels = random.normal(size=(12, 4)).astype(np.float32), np.repeat([0, 1, 2], 4)
    reference = ReferenceStatistics.from_features(features)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_arrays(folder / "arrays", {"features": features, "labels": labels, "empty": np.empty((0, 3))}, {"a": 1})
        refinement_file.save_refinement(folder / "refinement", refine(features, labels, reference), {"options": {}})
        images = random.integers(0, 256, (6, 4, 4, 3), np.uint8)
        split = np.zeros(6, np.uint8)
        dataset = Dataset("mine", images, np.repeat([0, 1, 2], 2), split, ("a", "b", "c"), "source", "licence")
        save_images(dataset, folder / "images")
        (folder / "own").write_bytes((folder / "arrays").read_bytes())
        (folder / "checkpoint").write_bytes((PACKAGE / "checkpoints/tiny/byol-tiny.safetensors").read_bytes())
        return {path.name: path.read_bytes() for path in folder.iterdir()}


def arrays_and_metadata(path):
    for array in read_arrays(path).values():
        assert array.nbytes <= path.stat().st_size
        array.sum()
    read_metadata(path)


def users_arrays(path):
    weights_format(path)
    for array in read_safetensors(path).values():
        assert array.size <= path.stat().st_size
        array.sum()


READERS = {
    "own": users_arrays,
    "arrays": arrays_and_metadata,
    "refinement": refinement_file.load_refinement,
    "images": load_images,
    "checkpoint": load_network,
}


@st.composite
def safetensors(draw, original: bytes) -> bytes:
    """A file with another header, or other bytes."""
    if draw(st.booleans()):
        return draw(mutated(original))
    length = int.from_bytes(original[:8], "little")
    header = json.loads(original[8 : 8 + length])
    header["__metadata__"] = {"pedrank": json.loads(header["__metadata__"]["pedrank"])}  # JSON within JSON
    header = draw(replaced(header, more=["F32", "U8", [0, 4], [2**62, 2**62], 1.0, True]))
    if isinstance(header, dict) and isinstance(about_itself := header.get("__metadata__"), dict):
        header["__metadata__"] = {key: json.dumps(value) for key, value in about_itself.items()}
    encoded = json.dumps(header).encode()
    return struct.pack("<Q", len(encoded)) + encoded + original[8 + length :]


@pytest.mark.parametrize("kind", READERS)
def test_safetensors(kind, tmp_path):
    name = f"{kind}.safetensors"

    def read(folder):
        with about(name):
            READERS[kind](folder / name)

    (tmp_path / name).write_bytes(honest()[kind])
    read(tmp_path)  # imports what it needs before anybody watches
    assert caged(f"safetensors, {kind}", {name: honest()[kind]}, read) == ""

    @given(content=safetensors(honest()[kind]))
    @fuzzed()
    def hostile(content):
        caged(f"safetensors, {kind}", {name: content}, read)

    hostile()


def numpys() -> tuple[bytes, bytes, bytes]:
    """Features as .npz, packed and not, and as .npy."""
    arrays = {"features": np.ones((6, 3), np.float32), "labels": np.array([0, 0, 1, 1, 2, 2])}
    buffers = io.BytesIO(), io.BytesIO(), io.BytesIO()
    np.savez(buffers[0], **arrays)
    np.savez_compressed(buffers[1], **arrays)
    np.save(buffers[2], arrays["features"])
    return tuple(buffer.getvalue() for buffer in buffers)


@given(content=mutated(*numpys()))
@fuzzed()
def test_features_of_ones_own(content):
    caged("own features, NumPy", {"a.npz": content}, lambda folder: read_named(folder / "a.npz"))
    labels = io.BytesIO()
    np.save(labels, np.array([0, 0, 1, 1, 2, 2]))
    contents = {"a.npy": content, "labels.npy": labels.getvalue()}
    caged("own features, NumPy", contents, lambda folder: read_named(folder / "a.npy"))


def header(content: object, data: bytes = b"") -> bytes:
    encoded = content if isinstance(content, bytes) else json.dumps(content).encode()
    return struct.pack("<Q", len(encoded)) + encoded + data


ENTRY = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}


@pytest.mark.parametrize(
    "content",
    [
        header(b"[" * 100_000),
        header({"x": ENTRY | {"shape": [1.0], "data_offsets": [0.0, 4.0]}}, b"0000"),
        header({"x": ENTRY | {"shape": [True], "data_offsets": [0, 4]}}, b"0000"),
        header({"x": ENTRY | {"shape": [0, 2**70], "data_offsets": [0, 0]}}),
        header({"x": ENTRY | {"shape": [1] * 100}}, b"0000"),
        header({"x": ENTRY, "__metadata__": []}, b"0000"),
        header({"x": ENTRY, "__metadata__": {"pedrank": "[" * 100_000}}, b"0000"),
        header({"x": ENTRY, "__metadata__": {"pedrank": "7"}}, b"0000"),
        header(b'{"x": {"dtype": "F32", "shape": [' + b"9" * 5000 + b'], "data_offsets": [0, 4]}}', b"0000"),
    ],
    ids=range(9),
)
def test_headers_without_sense_are_refused(content):
    message = caged(
        "safetensors, by hand", {"x.safetensors": content}, lambda f: arrays_and_metadata(f / "x.safetensors")
    )
    assert "x.safetensors: " in message


def saved(legacy: bool) -> bytes:
    state = collections.OrderedDict(w=torch.arange(6.0).reshape(2, 3), half=torch.ones(2).bfloat16(), n=torch.tensor(3))
    state["view"] = state["w"][1:]
    buffer = io.BytesIO()
    content = {
        "state_dict": state,
        "epoch": 3,
        "args": argparse.Namespace(path=Path("x"), number=np.float64(0.5)),
        "log": collections.defaultdict(list, {None: [1], 0.5: {1}}),
        "optimizer": {"state": {0: torch.ones(2)}, "param_groups": [{"lr": 0.1}]},
    }
    torch.save(content, buffer, _use_new_zipfile_serialization=not legacy)
    return buffer.getvalue()


NEW, LEGACY = saved(False), saved(True)


def with_pickle(archive: bytes, content: bytes) -> bytes:
    """A torch file with another pickle in it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            new.writestr(name, content if name.endswith("/data.pkl") else old.read(name))
    return buffer.getvalue()


def pickle_of(archive: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(archive)) as content:
        return content.read(next(name for name in content.namelist() if name.endswith("/data.pkl")))


def read_torch(folder):
    for array in torch_converter.backbone(folder / "a.pth", {"unwrap": ["state_dict"]}).values():
        if array.size < 10**6:
            array.sum()


def test_honest_torch_files_are_read(tmp_path):
    for content in (NEW, LEGACY):
        (tmp_path / "a.pth").write_bytes(content)
        arrays = torch_converter.backbone(tmp_path / "a.pth", {"unwrap": ["state_dict"]})
        assert arrays["view"].tolist() == [[3, 4, 5]] and arrays["half"].dtype == np.float32 and arrays["n"] == 3


@given(
    content=st.one_of(
        mutated(NEW), mutated(LEGACY), mutated(pickle_of(NEW)).map(lambda content: with_pickle(NEW, content))
    )
)
@fuzzed(15)
def test_a_torch_file(content):
    caged("torch file", {"a.pth": content}, read_torch)


DOUBLED = b"".join(b"q" + bytes([i]) + b"h" + bytes([i]) + b"\x86" for i in range(60))  # ((((), ()), ((), ())), ...)
BOMBS = {
    "a key that takes for ever to hash": b"\x80\x02})" + DOUBLED + b"K\x01s.",
    "the same within a call": b"\x80\x02ccollections\nOrderedDict\n]](" + b")" + DOUBLED + b"K\x01ea\x85R.",
    "a memo of gigabytes": b"\x80\x02}r\xff\xff\xff\x7f.",
    "bytes of gigabytes": b"\x80\x04\x96" + struct.pack("<Q", 2**40) + b".",
    "a text copied without end": b"\x80\x02X" + struct.pack("<I", 2**20) + b"x" * 2**20
    + b"q\x000c_codecs\nencode\nq\x010]" + b"h\x01h\x00X\x06\x00\x00\x00latin1\x86Ra" * 5000 + b".",
    "a mapping copied without end": b"\x80\x02]ccollections\nCounter\nq\x01}("
    + b"".join(b"J" + struct.pack("<i", n) + b"N" for n in range(20_000))
    + b"u\x85q\x02R0" + b"h\x01h\x02Ra" * 20_000 + b".",
    "a shape of a hundred thousand sizes": b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storage"
    + b"ctorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x06tQK\x00("
    + b"\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x20" * 100_000 + b"tq\x01h\x01tR.",
    "steps without end": b"\x80\x02" + b"]0" * 1_200_000 + b".",
    "deep": b"\x80\x02" + b"]" * 20_000 + b"a" * 19_999 + b".",
}  # fmt: skip


HARMLESS = ("a memo of gigabytes", "deep")  # where the memo is a dictionary, and a list of lists is only kept


@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("kind", ["haiku", "torch", "torch before 1.6"])
def test_pickle_bombs_are_refused_and_take_neither_time_nor_memory(kind, bomb):
    from pedrank.formats.pickle_file import read_pickle

    if bomb == "steps without end" and kind != "haiku":
        pytest.skip("the same steps, counted by the same code, take seconds")
    content = with_pickle(NEW, BOMBS[bomb]) if kind == "torch" else BOMBS[bomb]

    def read(folder):
        if kind == "haiku":
            read_pickle(folder / "a.pth")
        else:
            read_torch(folder)

    message = caged("pickle bombs", {"a.pth": content}, read, memory=150)
    assert "a.pth: " in message or (bomb in HARMLESS and kind == "haiku")


def test_keys_of_storages_that_take_for_ever_to_compare_are_refused():
    first = b"".join(pickle.dumps(value, protocol=2) for value in (0x1950A86A20F9469CFC6C, 1001, {}, {}))
    keys = b"\x80\x02])" + DOUBLED + b"a."
    message = caged("pickle bombs", {"a.pth": first + keys}, read_torch, memory=150)
    assert "a.pth: not a torch file of plain tensors (it names no storages)" in message


def test_a_storage_may_not_be_larger_than_what_is_there():
    """torch reads what lies behind it in memory."""
    content = pickle_of(NEW)
    at = content.index(b"cpuq") + 5
    assert content[at : at + 2] == b"K\x06"
    message = caged("torch file", {"a.pth": with_pickle(NEW, content[:at] + b"K\xff" + content[at + 2 :])}, read_torch)
    assert re.search("its storage 0 has (another size than stated|two sizes)", message)


def test_a_packed_torch_file_is_refused():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", pickle_of(NEW))
        archive.writestr("a/data/0", bytes(10**7))
    assert "its members are compressed, or overlap" in caged("torch file", {"a.pth": buffer.getvalue()}, read_torch)


INDEX, DATA = write_bundle({f"base_model/{n}/kernel": np.ones((n + 1, 2), np.float32) for n in range(80)})


@given(index=mutated(INDEX), data=st.sampled_from([DATA, DATA[:-1], b""]))
@fuzzed()
def test_a_tensorflow_checkpoint(index, data):
    def read(folder):
        with about("model.index"):
            read_bundle((folder / "model.index").read_bytes(), (folder / "model.data").read_bytes())

    caged("TensorFlow checkpoint", {"model.index": index, "model.data": data}, read)


def table(entries, index_entries=None):
    """An index of one block, or of blocks that the given entries of the index's index name."""
    first = block(entries)
    handles = index_entries or [(b"z", varint(0) + varint(len(first)))]
    content = first + bytes(5)
    where, directory = len(content), block(handles)
    content += directory + bytes(5)
    footer = varint(0) + varint(0) + varint(where) + varint(len(directory))
    return content + footer.ljust(40, b"\0") + (0xDB4775248B80FB57).to_bytes(8, "little")


MANY = [(b"%06d" % n, b"") for n in range(20_000)]
SIZE = varint(len(block(MANY)))


@pytest.mark.parametrize(
    "index",
    [
        table([(b"", field(1, 1)), (b"a", field(1, 1) + field(2, 7))]),  # a shape that is a number
        table([(b"a", field(1, 1) + field(4, b"x"))]),
        table([(b"a", field(1, 1) + field(2, field(2, field(1, 2**64 - 1))) + field(5, 4))]),
        table([(b"a" * 5000, b"")]),
        table(MANY, [(b"%06d" % n, varint(0) + SIZE) for n in range(20_000)]),
        INDEX[:-48] + b"\xff" * 40 + INDEX[-8:],
    ],
    ids=["shape", "offset", "sizes", "a name that is long", "blocks that repeat", "a number without end"],
)
def test_a_bundle_that_is_none(index):
    def read(folder):
        with about("model.index"):
            read_bundle((folder / "model.index").read_bytes(), bytes(8))

    assert "not a TensorFlow checkpoint" in caged("TensorFlow checkpoint", {"model.index": index}, read, memory=100)


def zipped_bundle() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("model.ckpt-1.index", INDEX)
        archive.writestr("model.ckpt-1.data-00000-of-00001", DATA)
    return buffer.getvalue()


@given(content=mutated(zipped_bundle()))
@fuzzed()
def test_a_simclr_file(content):
    caged("SimCLR's zip file", {"a.zip": content}, lambda folder: simclr.backbone(folder / "a.zip", {}))


HAIKU = [path.read_bytes() for path in sorted((Path(__file__).parent / "reference/haiku").glob("*.dill"))]
CALLS = [
    b"cos\nsystem\n(S'id'\ntR.",
    b"cbuiltins\neval\n(S'1'\ntR.",
    b"cnumpy\nload\n(S'x'\ntR.",
    b"c_codecs\nencode\n}b.",
]


@given(
    content=st.one_of(
        mutated(*HAIKU), st.sampled_from(CALLS), st.binary(max_size=40).map(lambda rest: b"\x80\x02" + rest + b".")
    )
)
@fuzzed(20)
def test_a_pickle_of_haikus(content):
    from pedrank.checkpoints.converters import haiku

    caged(
        "BYOL's pickle", {"a.pkl": content}, lambda folder: haiku.backbone(folder / "a.pkl", {"drop": ["projector/"]})
    )


def test_a_pickle_cannot_change_what_reads_it(tmp_path):
    """BUILD sets attributes of whatever stands on the stack."""
    from pedrank.formats.pickle_file import _encode, read_pickle

    (tmp_path / "a.pkl").write_bytes(b"\x80\x02c_codecs\nencode\n}(U\x0c__defaults__(U\x06latin1tu}\x86b.")
    with pytest.raises(Exception, match="it changes a function"):
        read_pickle(tmp_path / "a.pkl")
    assert _encode.__defaults__ is None
    with pytest.raises(Exception, match="refused"):
        (tmp_path / "b.pkl").write_bytes(pickle.dumps({1, 2}))
        read_pickle(tmp_path / "b.pkl")
