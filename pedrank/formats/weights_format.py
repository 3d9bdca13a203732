"""The format of a user's file of weights, by its first bytes: torch, safetensors, or another one with its true reason.

The suffix decides nothing where the bytes do: a file called .bin or .pth may be safetensors, and the other way round.
"""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

from pedrank.utils.errors import InputError

_HEAD = 1024  # bytes that are looked at
_TENSORFLOW = bytes.fromhex("57fb808b247547db")  # the end of an index of TensorFlow
_SAVE = "save the weights with torch.save or safetensors, and give that file"
_KERAS = f"weights of Keras or TensorFlow; load them into a PyTorch network, {_SAVE}"
_UNPACK = "unpack it, and give the file of weights inside"

# First bytes, and the reason and remedy
_FIRST: tuple[tuple[bytes, str], ...] = (
    (b"version https://git-lfs", "a pointer of Git LFS in place of the weights; run `git lfs pull` in its repository"),
    (b"GGUF", f"GGUF, the format of llama.cpp; {_SAVE}"),
    (b"\x89HDF\r\n\x1a\n", f"HDF5: {_KERAS}"),
    (b"\x1f\x8b", f"compressed with gzip; {_UNPACK}"),
    (b"\xfd7zXZ\x00", f"compressed with xz; {_UNPACK}"),
    (b"BZh", f"compressed with bzip2; {_UNPACK}"),
    (b"7z\xbc\xaf\x27\x1c", f"a 7z archive; {_UNPACK}"),
    (b"Rar!", f"a RAR archive; {_UNPACK}"),
    (b"\x93NUMPY", f"one array of NumPy without names of weights; {_SAVE}"),
)
_SUFFIXES = {
    ".onnx": "an ONNX graph, whose weights have other names; give the PyTorch file that it was exported from",
    ".pb": f"a graph of TensorFlow: {_KERAS}",
    ".tflite": f"a graph of TensorFlow Lite; {_SAVE}",
    ".msgpack": f"weights of Flax; load them into a PyTorch network, {_SAVE}",
    ".engine": "a compiled TensorRT engine; give the PyTorch file that it was made from",
}


def weights_format(path: Path) -> str:
    """Return "torch" or "safetensors".

    Args:
        path: A user's file of weights.

    Raises:
        InputError: The path is no file, or the file has another format; the message names it and what to do.

    >>> _ = Path("w.pth").write_bytes(b"version https://git-lfs.github.com/spec/v1")
    >>> weights_format(Path("w.pth"))
    Traceback (most recent call last):
    pedrank.utils.errors.InputError: w.pth: a pointer of Git LFS in place of the weights; run `git lfs pull` in its \
repository
    """
    found = _folder(path) if path.is_dir() else _missing(path) if not path.is_file() else _by_content(path)
    if found not in ("torch", "safetensors"):
        raise InputError(f"{path}: {found}")
    return found


def _by_content(path: Path) -> str:
    size = path.stat().st_size
    with open(path, "rb") as file:
        head = file.read(_HEAD)
        file.seek(max(size - 8, 0))
        end = file.read(8)
    if not head.strip(b"\0"):
        return f"{'a file of zeros' if head else 'an empty file'}, with {size} bytes; save the weights again"
    for start, found in _FIRST:
        if head.startswith(start):
            return found
    if re.match(rb"\s*(<!doctype html|<html)", head, re.IGNORECASE):
        return "a web page (HTML) in place of the weights; open it in a browser to see why, and give the file itself"
    if head[8:9] == b"{":
        return "safetensors"
    if head[257:262] == b"ustar":
        return f"a tar archive; {_UNPACK}"
    if head.startswith(b"PK\x03\x04"):
        return _zip(path)
    if head[:1] == b"\x80":
        return "torch"
    if head.lstrip()[:1] == b"{":
        return _json(path, size)
    if end == _TENSORFLOW or re.search(r"\.(index|meta|data-\d+-of-\d+)$", path.name):
        return f"a part of a TensorFlow checkpoint: {_KERAS}"
    if path.suffix in _SUFFIXES:
        return _SUFFIXES[path.suffix]
    if head[:1] == b"\x08" and re.search(rb"pytorch|onnx|tf2onnx|keras", head[:64]):
        return _SUFFIXES[".onnx"]
    return f"neither a torch file nor safetensors: it begins with {head[:8]!r}; {_SAVE}"


def _zip(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, OSError):
        return f"cut short: the end of the file is missing, after {path.stat().st_size} bytes; give a complete copy"
    inside = {name.partition("/")[2] for name in names}
    if "constants.pkl" in inside and any(name.startswith("code/") for name in inside):
        return (
            "a TorchScript program; run torch.save(torch.jit.load(FILE, map_location='cpu').state_dict(), NEW), and "
            "give the new file"
        )
    if "data.pkl" in inside:
        return "torch"
    if "archive_format" in inside or any("models/" in name and name.endswith(".json") for name in names):
        return "a program of torch.export; save the `state_dict()` of the exported program with torch.save"
    if "model.weights.h5" in names:
        return f"a model of Keras: {_KERAS}"
    if names and all(name.endswith(".npy") for name in names):
        return f"an .npz of NumPy, as JAX networks have it; load it into a PyTorch network, {_SAVE}"
    return f"a zip archive that torch.save did not write; {_UNPACK}"


def _json(path: Path, size: int) -> str:
    """What a JSON text in place of the weights is; only an index of several files is looked at more closely."""
    try:
        content = json.loads(path.read_text(encoding="utf-8")) if size < 2**26 else None
    except (ValueError, RecursionError):
        content = None
    if isinstance(content, dict) and isinstance(content.get("weight_map"), dict):
        parts = len({str(name) for name in content["weight_map"].values()})
        return (
            f"the index of a checkpoint in {parts} parts; save the network in one file, for example with "
            "`save_pretrained(FOLDER, max_shard_size='100GB')`, and give that file"
        )
    return "a JSON text and no weights; give the file of weights"


def _folder(path: Path) -> str:
    """What a folder in place of a file of weights holds."""
    names = {file.name for file in path.iterdir()}
    deeper = {f"{file.parent.name}/{file.name}" for file in path.glob("*/*")}
    if ".metadata" in names and any(name.endswith(".distcp") for name in names):
        return (
            "a distributed checkpoint of FSDP; run `python -m torch.distributed.checkpoint.format_utils dcp_to_torch "
            "FOLDER FILE`, and give the file"
        )
    if "zero_to_fp32.py" in names or any("zero_pp_rank" in name or "mp_rank" in name for name in names | deeper):
        return "a checkpoint of DeepSpeed; run the script `zero_to_fp32.py` of the folder, and give the file it writes"
    if "saved_model.pb" in names:
        return f"a SavedModel of TensorFlow: {_KERAS}"
    weights = sorted(name for name in names if re.search(r"\.(safetensors|pth|pt|bin|ckpt)$", name))
    if weights:
        return f"a folder; give the file in it, for example {path / weights[0]}=ARCHITECTURE"
    return "a folder without a file of weights; give a file"


def _missing(path: Path) -> str:
    if path.exists():
        return "not a regular file; give a file of weights"
    if path.with_name(f"{path.name}.index").is_file():
        return f"a TensorFlow checkpoint of several files: {_KERAS}"
    return "no such file of weights; correct the path"
