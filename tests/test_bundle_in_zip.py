"""A TensorFlow checkpoint in a zip file, among what else may be in there: files that TensorFlow wrote, in any order."""

import zipfile
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from mirror.tensor_bundle import write_bundle

from pedrank.formats import tensor_bundle
from pedrank.formats.tensor_bundle import bundle_in_zip, read_bundle
from pedrank.utils.errors import InputError

STEM = Path(__file__).parent / "reference/tensor-bundle/model.ckpt-7"
ENDS = (".index", ".data-00000-of-00001")
WANTED = tuple(Path(f"{STEM}{end}").read_bytes() for end in ENDS)
HUB = write_bundle({"module/base_model/conv2d/kernel": np.ones((1, 1, 2, 3), np.float32)})
JUNK = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X"


def packed(path: Path, *pairs: tuple[str, tuple[bytes, bytes]]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for stem, contents in pairs:
            for end, content in zip(ENDS, contents, strict=True):
                archive.writestr(f"{stem}{end}", content)
        archive.writestr("hub/saved_model.pb", b"a graph")
    return path


def test_the_checkpoint_is_found_whatever_lies_in_front(tmp_path):
    pairs = {
        "ResNet50_1x/model.ckpt-225206": WANTED,
        "ResNet50_1x/hub/variables/variables": HUB,
        "__MACOSX/ResNet50_1x/._model.ckpt-225206": (JUNK, JUNK),
        "broken": (b"", b""),
        "cut short": (WANTED[0][:300] + WANTED[0][-48:], WANTED[1]),
    }
    for order in permutations(pairs.items()):
        index, data = bundle_in_zip(packed(tmp_path / "a.zip", *order))
        assert (index, data) == WANTED
    assert "base_model/conv2d/kernel" in read_bundle(index, data)


def test_another_variable_chooses_another_checkpoint(tmp_path):
    path = packed(tmp_path / "a.zip", ("a", WANTED), ("b", HUB))
    assert bundle_in_zip(path, "module/base_model/conv2d/kernel") == HUB
    assert bundle_in_zip(path, "nobody's") == WANTED  # the first one: the message says what it lacks


def test_a_zip_file_without_a_checkpoint_is_none(tmp_path):
    assert bundle_in_zip(packed(tmp_path / "a.zip")) is None
    assert bundle_in_zip(packed(tmp_path / "b.zip", ("__MACOSX/._a", (JUNK, JUNK)))) is None


@pytest.mark.parametrize("name, message", [("_LARGEST", "'a.data-00000-of-00001'"), ("_LARGEST_INDEX", "the indices")])
def test_a_checkpoint_that_is_too_large_is_refused(tmp_path, monkeypatch, name, message):
    monkeypatch.setattr(tensor_bundle, name, 100)
    path = packed(tmp_path / "a.zip", ("a", WANTED))
    with pytest.raises(InputError, match=f"a.zip: refused: {message}: [0-9]+ bytes are too many for a checkpoint"):
        bundle_in_zip(path)
