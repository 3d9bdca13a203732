"""Converting checkpoints: exactly the backbone's keys, bit for bit, and nothing that a pickle could run."""

import io
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from mirror import checkpoints as made
from mirror.tensor_bundle import write_bundle

from pedrank.catalogue.catalogue import catalogue
from pedrank.checkpoints.convert import convert
from pedrank.checkpoints.converters import haiku
from pedrank.checkpoints.network_file import load_network
from pedrank.formats.pickle_file import read_pickle
from pedrank.formats.tensor_bundle import read_bundle
from pedrank.networks.build import build
from pedrank.store.artefacts import read_arrays, read_metadata, sha256
from pedrank.utils.errors import InputError

REFERENCE = Path(__file__).parent / "reference"
PAPERS = [name for name, entry in catalogue("checkpoints").items() if entry["zoo"] == "ssl"]


@pytest.fixture(scope="module")
def network():
    return made.backbone(3)


def converted(tmp_path, name, content=None, network=None):
    """Convert `content`, or a stand-in of `network`, as the downloaded file of the checkpoint `name`."""
    path = tmp_path / made.file_of(name)
    if content is None:
        made.write(name.removesuffix("-as-trained"), network.state_dict(), path)
    else:
        path.write_bytes(content)
    path.with_name(f"{path.name}.sha256").write_text(f"{sha256(path)}  {path.name}\n")
    convert(name, tmp_path, tmp_path / "out.safetensors")
    return tmp_path / "out.safetensors"


def assert_equal(arrays, network, counters=True):
    """All 318 tensors, bit for bit; a format without batch counters gives 0 for them."""
    expected = network.state_dict()
    assert arrays.keys() == expected.keys() and len(arrays) == 318
    for key, value in expected.items():
        value = value if counters or not key.endswith("num_batches_tracked") else torch.zeros_like(value)
        assert arrays[key].dtype == value.numpy().dtype and arrays[key].tobytes() == value.numpy().tobytes(), key


@pytest.mark.parametrize("name", [*PAPERS, "moco-v3", "dino"])
def test_a_converted_checkpoint_is_the_network(tmp_path, network, name):
    """The twelve of the paper and two newer ones, with foreign objects beside the tensors."""
    assert len(PAPERS) == 12
    out = converted(tmp_path, name, network=network)
    theirs, normalisation = load_network(out)
    assert normalisation["mean"] == [0.485, 0.456, 0.406]
    image = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(theirs(image), network.to(memory_format=torch.channels_last)(image))
    assert_equal(read_arrays(out), network, counters=catalogue("checkpoints")[name]["format"] == "torch")
    assert list(read_metadata(out)["made_by"]["inputs"]) == [made.file_of(name)]


def renamed(state, old, new):
    return {key.replace(old, new, 1) if key.startswith(old) else key: value for key, value in state.items()}


FORMS = {
    # SwAV's trainer reads its weights under the key state_dict (facebookresearch/swav#50)
    "nested": lambda state: {"state_dict": state, "epoch": 800, "rng": torch.ones(9)},
    # MoCo without several processes (facebookresearch/moco#84)
    "without module.": lambda state: renamed(state, "module.", ""),
    "nested, without module.": lambda state: {"state_dict": renamed(state, "module.", ""), "rng": torch.ones(9)},
    "the weights alone": lambda state: state,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["swav", "deepcluster-v2", "sela-v2", "moco-v1", "moco-v2", "pcl-v1", "insdis"])
def test_a_checkpoint_is_read_in_each_of_its_forms(tmp_path, network, name, form):
    made.write(name, network.state_dict(), tmp_path / "original.pth")
    content = torch.load(tmp_path / "original.pth", weights_only=False)
    for key in catalogue("checkpoints")[name].get("unwrap", []):
        content = content[key]
    tensors = {key: value for key, value in content.items() if torch.is_tensor(value)}
    torch.save(FORMS[form](tensors), tmp_path / "form.pth")
    assert_equal(read_arrays(converted(tmp_path, name, (tmp_path / "form.pth").read_bytes())), network)


def test_a_file_without_the_weights_is_refused_by_what_it_lacks(tmp_path):
    buffer = io.BytesIO()
    torch.save({"epoch": 1}, buffer)
    with pytest.raises(InputError, match="no dictionary of tensors under key 'state_dict'"):
        converted(tmp_path, "moco-v2", buffer.getvalue())


def test_the_torch_conversions_of_simclr_are_read_too(tmp_path, network):
    weights = network.state_dict()
    made.lightly_simclr_v2(weights, tmp_path / "v2.pth")
    torch.save(
        {"state_dict": {key: weights[key] for key in weights} | {"fc.weight": torch.ones(2)}}, tmp_path / "v1.pth"
    )
    for name, file in (("simclr-v2", "v2.pth"), ("simclr-v1", "v1.pth")):
        arrays = read_arrays(converted(tmp_path, name, (tmp_path / file).read_bytes()))
        for key, value in weights.items():
            if not key.endswith("num_batches_tracked"):
                assert np.array_equal(arrays[key], value.numpy()), key


@pytest.mark.parametrize(
    "name, architecture, std",
    [
        ("byol-as-trained", "resnet50-same", 0.229),
        ("simclr-v1-as-trained", "resnet50-same-pool", 1.0),
        ("swav-as-trained", "resnet50", 0.228),
    ],
)
def test_as_trained_is_another_network_of_the_same_weights(tmp_path, network, name, architecture, std):
    out = converted(tmp_path, name, network=network)
    metadata = read_metadata(out)
    assert (metadata["architecture"], metadata["normalisation"]["std"][0]) == (architecture, std)
    theirs, _ = load_network(out)
    image = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        difference = (theirs(image) - network(image)).abs().max()
    assert (difference > 1e-3) == (architecture != "resnet50")
    assert torch.equal(theirs.layer4[2].conv3.weight, network.layer4[2].conv3.weight)


def test_a_bundle_that_tensorflow_wrote_is_read():
    """60 layers of the names and kinds that SimCLR's checkpoints have, saved by TensorFlow 2.21."""
    stem = REFERENCE / "tensor-bundle/model.ckpt-7"
    index, data = (Path(f"{stem}{end}").read_bytes() for end in (".index", ".data-00000-of-00001"))
    variables = read_bundle(index, data)
    assert len(variables) == 60 * 5 + 1 and variables["global_step"] == 225206
    for number in range(60):
        suffix = f"_{number}" if number else ""
        kernel = np.arange(12, dtype=np.float32).reshape(2, 1, 2, 3) + 100 * number
        assert np.array_equal(variables[f"base_model/conv2d{suffix}/kernel"], kernel)
        norm = variables[f"base_model/batch_normalization{suffix}/moving_variance"]
        assert norm.tolist() == [number, 3, 0.5] and norm.dtype == np.float32
    again = read_bundle(*write_bundle(variables))
    assert all(np.array_equal(again[name], variables[name]) for name in variables) and again.keys() == variables.keys()


@pytest.mark.parametrize(
    "spoil, message",
    [
        (lambda index, data: (index[:-3], data), "ends without its magic number"),
        (lambda index, data: (index, data[: len(data) // 2]), "truncated"),
        (lambda index, data: (index[:100] + index[-48:], data), "not a TensorFlow checkpoint, or truncated|compressed"),
        (lambda index, data: (b"", b""), "not a TensorFlow checkpoint"),
    ],
)
def test_a_broken_bundle_is_refused(spoil, message):
    with pytest.raises(InputError, match=message):
        read_bundle(*spoil(*write_bundle({f"base_model/{n}": np.ones((n + 1, 2), np.float32) for n in range(300)})))


@pytest.mark.parametrize("form", ["flatmapping", "frozendict", "dict"])
def test_haikus_own_pickles_are_read(form):
    """Written by dill and haiku with the classes that old checkpoints name; in "dict" a class comes along."""
    weights = haiku.backbone(REFERENCE / f"haiku/{form}.dill", {"drop": ["projector/", "predictor/", "classifier"]})
    kernel = np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4)
    assert np.array_equal(weights.pop("conv1.weight"), kernel.transpose(3, 2, 0, 1))
    expected = {"bn1.weight": [2] * 4, "bn1.bias": [0, 1, 2, 3], "bn1.running_mean": [3] * 4}
    assert {name: array.tolist() for name, array in weights.items()} == expected


class _Malicious:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    "function, name",
    [(os.mkdir, "posix.mkdir"), (eval, "__builtin__.eval"), (np.load, "numpy.load"), (pickle.loads, "pickle.loads")],
)
def test_a_malicious_pickle_is_refused_and_named_and_nothing_runs(tmp_path, monkeypatch, function, name):
    monkeypatch.chdir(tmp_path)
    content = {"experiment_state": [{}, _Malicious(function, "executed"), {}]}
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(content, protocol=2))
    with pytest.raises(InputError, match=f"a.pkl: refused: it names {name}, which is not on the list") as error:
        read_pickle(tmp_path / "a.pkl")
    assert "\n" not in str(error.value)
    assert os.listdir(tmp_path) == ["a.pkl"]


@pytest.mark.parametrize(
    "module, name", [("haiku.os", "system"), ("byol", "run"), ("haikuevil", "x"), ("builtins", "getattr")]
)
def test_what_stands_in_the_place_of_a_class_runs_nothing(tmp_path, module, name):
    content = f"c{module}\n{name}\n(S'echo'\ntR.".encode()
    (tmp_path / "a.pkl").write_bytes(content)
    if module.split(".")[0] in ("haiku", "byol"):
        assert read_pickle(tmp_path / "a.pkl") == ["echo"]  # a list
    else:
        with pytest.raises(InputError, match=f"it names {module}.{name}"):
            read_pickle(tmp_path / "a.pkl")


def test_an_array_of_objects_is_refused(tmp_path):
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(np.array([None, {}], dtype=object), protocol=2))
    with pytest.raises(InputError, match="refused: an array of type O8"):
        read_pickle(tmp_path / "a.pkl")


@pytest.mark.parametrize(
    "content", [pickle.dumps(_Malicious(os.mkdir, "executed")), b"<html>", b"", pickle.dumps({"state_dict": 3})]
)
def test_foreign_pickles_and_pages_are_refused_and_nothing_runs(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="moco_v2_800ep_pretrain.pth.tar: not a torch file of plain tensors") as error:
        converted(tmp_path, "moco-v2", content)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "executed").exists() and not (tmp_path / "out.safetensors").exists()


@pytest.mark.parametrize(
    "change, message",
    [
        (
            lambda s: s.pop("module.encoder_q.layer1.0.conv1.weight"),
            "not the weights of resnet50: 1 .*layer1.0.conv1",
        ),
        (lambda s: s.update({"module.encoder_q.extra": torch.ones(1)}), "1 keys missing, surplus .*'extra'"),
        (lambda s: s.update({"module.encoder_q.conv1.weight": torch.ones(3)}), "first 'conv1.weight'"),
        (
            lambda s: s["module.encoder_q.conv1.weight"].fill_(torch.inf),
            "'conv1.weight' has values that are not",
        ),
        (lambda s: s["module.encoder_q.bn1.running_var"].fill_(-1), "'bn1.running_var' has .* a negative variance"),
    ],
    ids=["missing", "surplus", "shape", "infinite", "variance"],
)
def test_wrong_weights_are_named(tmp_path, network, change, message):
    buffer = io.BytesIO()
    state = {f"module.encoder_q.{key}": value.clone() for key, value in network.state_dict().items()}
    change(state)
    torch.save({"state_dict": state}, buffer)
    with pytest.raises(InputError, match=message):
        converted(tmp_path, "moco-v2", buffer.getvalue())
    assert not (tmp_path / "out.safetensors").exists()


def test_a_simclr_file_of_another_form_is_refused(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("readme.txt", "no checkpoint")
    with pytest.raises(InputError, match="simclrv1_ResNet50_1x.zip: not a torch file"):
        converted(tmp_path, "simclr-v1", buffer.getvalue())


def test_a_shipped_checkpoint_is_taken_as_it_is(tmp_path):
    convert("simclr-tiny", tmp_path, tmp_path / "out.safetensors")
    network, _ = load_network(tmp_path / "out.safetensors")
    assert network(torch.zeros(1, 3, 32, 32)).shape == (1, 80)


@pytest.mark.parametrize(
    "name", [name for name, entry in catalogue("checkpoints").items() if entry["architecture"].startswith("timm/")]
)
def test_vision_transformers_convert_where_timm_is_installed(tmp_path, name):
    pytest.importorskip("timm")
    entry = catalogue("checkpoints")[name]
    network = build(entry["architecture"]).eval().to(memory_format=torch.channels_last)
    content = {f"{entry.get('prefix', '')}{key}": value for key, value in network.state_dict().items()}
    for key in reversed(entry.get("unwrap", [])):
        content = {key: content}
    buffer = io.BytesIO()
    torch.save(content, buffer)
    theirs, _ = load_network(converted(tmp_path, name, buffer.getvalue()))
    image = torch.rand(1, 3, 112, 112)  # a multiple of all patches
    with torch.inference_mode():
        features = theirs(image)
        assert torch.equal(features, network(image)) and features.shape == (1, network.num_features)
