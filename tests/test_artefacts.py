"""Artefacts: what is written is read back, byte-identical from run to run, and never half-written."""

import json
import os
import struct
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import load_file, save_file

from pedrank.store import artefacts
from pedrank.utils.errors import InputError

DTYPES = [np.float64, np.float32, np.float16, np.int64, np.int32, np.int16, np.int8, np.uint8, np.bool_]


@given(array=hnp.arrays(st.sampled_from(DTYPES), hnp.array_shapes(min_dims=0, max_dims=3, min_side=0)))
def test_arrays_come_back_and_the_reference_library_reads_them(tmp_path_factory, array):
    path = tmp_path_factory.mktemp("arrays") / "a.safetensors"
    artefacts.write_arrays(path, {"x": array, "byte": np.uint8([1])}, {"seed": 3})
    for arrays in (artefacts.read_arrays(path), load_file(path)):
        np.testing.assert_array_equal(arrays["x"], array)
        assert arrays["x"].dtype == array.dtype
    assert artefacts.read_metadata(path) == {"seed": 3}


def test_reads_what_the_reference_library_writes(tmp_path):
    save_file({"w": np.arange(6.0).reshape(2, 3)}, tmp_path / "a.safetensors")
    np.testing.assert_array_equal(artefacts.read_arrays(tmp_path / "a.safetensors", "w")["w"], [[0, 1, 2], [3, 4, 5]])
    assert artefacts.read_metadata(tmp_path / "a.safetensors") == {}


def test_arrays_are_mapped_aligned_and_read_only(tmp_path):
    arrays = {"a": np.zeros(3, np.uint8), "b": np.ones(4), "c": np.ones(2, np.float32)}
    artefacts.write_arrays(tmp_path / "a.safetensors", arrays, {})
    for array in artefacts.read_arrays(tmp_path / "a.safetensors").values():
        assert isinstance(array, np.memmap)
        assert array.flags.aligned
        assert not array.flags.writeable


def test_same_content_gives_the_same_bytes(tmp_path):
    for name, order in (("one", ("a", "b")), ("two", ("b", "a"))):
        artefacts.write_arrays(tmp_path / name, {key: np.arange(3) for key in order}, {key: 1 for key in order})
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def _header(header: object, data: bytes = b"") -> bytes:
    encoded = json.dumps(header).encode()
    return struct.pack("<Q", len(encoded)) + encoded + data


BROKEN = {
    "empty": b"",
    "html": b"<!DOCTYPE html><html>not found</html>",
    "header longer than the file": struct.pack("<Q", 10**9) + b"{}",
    "not json": struct.pack("<Q", 4) + b"\xff\xfe{}",
    "not a mapping": _header([1, 2]),
    "no offsets": _header({"x": {"dtype": "F32", "shape": [1]}}, b"0000"),
    "unknown dtype": _header({"x": {"dtype": "F4096", "shape": [1], "data_offsets": [0, 4]}}, b"0000"),
    "shape against span": _header({"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}, b"0000"),
    "negative": _header({"x": {"dtype": "F32", "shape": [-1], "data_offsets": [4, 0]}}, b"0000"),
    "truncated": _header({"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, b"0000"),
    "overlong": _header({"x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, b"00000000"),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_broken_files_are_named_in_one_line(tmp_path, content):
    path = tmp_path / "broken.safetensors"
    path.write_bytes(content)
    with pytest.raises(InputError, match="broken.safetensors: ") as error:
        artefacts.read_arrays(path)
    assert "\n" not in str(error.value)


def test_missing_files_and_arrays_are_named(tmp_path):
    with pytest.raises(InputError, match="nowhere"):
        artefacts.read_arrays(tmp_path / "nowhere")
    artefacts.write_arrays(tmp_path / "a", {"x": np.ones(1)}, {})
    with pytest.raises(InputError, match="no array 'y'"):
        artefacts.read_arrays(tmp_path / "a", "y")
    with pytest.raises(InputError, match="nowhere"):
        artefacts.read_json(tmp_path / "nowhere")
    (tmp_path / "half.json").write_text('{"score": 1')
    with pytest.raises(InputError, match="half.json"):
        artefacts.read_json(tmp_path / "half.json")
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    with pytest.raises(InputError, match="no column 'accuracy'"):
        artefacts.read_csv(tmp_path / "a.csv", ["accuracy"])


def test_a_failing_writer_leaves_the_old_file_and_no_leftover(tmp_path):
    path = tmp_path / "deep" / "a.json"
    artefacts.write_json(path, {"x": 1})
    with pytest.raises(RuntimeError), artefacts.atomic(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    with pytest.raises(ValueError, match="JSON"):
        artefacts.write_json(path, {"x": float("nan")})
    assert artefacts.read_json(path) == {"x": 1}
    assert os.listdir(path.parent) == ["a.json"]


def test_a_killed_writer_leaves_no_final_name(tmp_path):
    program = (
        "import os, sys, signal; from pedrank.store.artefacts import atomic\n"
        "with atomic(sys.argv[1]) as path:\n    path.write_text('half'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", program, tmp_path / "a.csv"])
    assert killed.returncode < 0
    assert not (tmp_path / "a.csv").exists()
    artefacts.write_text(tmp_path / "a.csv", "whole")
    assert os.listdir(tmp_path) == ["a.csv"]


def test_tables_keep_every_digit_and_the_word_none(tmp_path):
    frame = pd.DataFrame({"refinement": ["none", "ped-0.3"], "score": [0.1 + 0.2, np.nan]})
    artefacts.write_csv(tmp_path / "a.csv", frame)
    pd.testing.assert_frame_equal(artefacts.read_csv(tmp_path / "a.csv"), frame)


def test_provenance_names_inputs_by_content(tmp_path):
    (tmp_path / "in").write_text("abc")
    made_by = artefacts.provenance({"seed": 1}, [tmp_path / "in"])
    assert made_by["options"] == {"seed": 1}
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, appendix B.1
    assert made_by["inputs"] == {str(tmp_path / "in"): known}
