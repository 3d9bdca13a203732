"""A user's own checkpoints: files of weights, functions, torchvision, torch.hub, and what goes wrong with them."""

import numpy as np
import pytest
import torch
import yaml
from torch import nn

from pedrank.catalogue import catalogue
from pedrank.checkpoints.convert import convert
from pedrank.checkpoints.network_file import load_network
from pedrank.checkpoints.user_weights import match
from pedrank.finetune.model import assemble
from pedrank.finetune.protocol import Options
from pedrank.store.artefacts import read_arrays, read_metadata, write_arrays
from pedrank.user_data.checkpoint_names import checkpoint_entry
from pedrank.utils.errors import InputError
from pedrank.utils.paths import PACKAGE, ROOT

ENTRY = """
import torch

class Net(torch.nn.Module):
    normalisation = {"mean": [0.5, 0.5, 0.5], "std": [0.1, 0.2, 0.3]}
    image_size = 8

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(3, 7)
        self.drop = ("head.",)

    def forward(self, images):
        return self.layer(images.mean(dim=(2, 3)))

def net():
    return Net()

def map():
    return torch.nn.Conv2d(3, 4, 3)

def text():
    return "net"

def broken():
    raise RuntimeError("two\\nlines")
"""


@pytest.fixture(autouse=True)
def entries(tmp_path, monkeypatch):
    """Write entries of checkpoints into the study's own catalogue."""

    def write(**given):
        (tmp_path / "own.yaml").write_text(yaml.safe_dump({"checkpoints": given}))
        monkeypatch.setenv("PEDRANK_CATALOGUE", str(tmp_path / "own.yaml"))
        catalogue._catalogue.cache_clear()
        catalogue.check_catalogues(ROOT / "schemas")

    (tmp_path / "code.py").write_text(ENTRY)
    yield write
    catalogue._catalogue.cache_clear()


@pytest.fixture(scope="module")
def tiny():
    """The weights of a shipped checkpoint, as torch has them."""
    arrays = read_arrays(PACKAGE / "checkpoints/tiny/byol-tiny.safetensors")
    return {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}


def converted(tmp_path, name):
    convert(name, tmp_path, tmp_path / "out" / f"{name}.safetensors")
    return tmp_path / "out" / f"{name}.safetensors"


def features(path, side=16):
    network, normalisation = load_network(path)
    images = torch.linspace(-1, 1, 2 * 3 * side * side).reshape(2, 3, side, side)
    with torch.inference_mode():
        return network(images).numpy(), normalisation, network


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"epoch": 3, "state_dict": {f"module.{name}": value for name, value in state.items()}},
        lambda state: {
            "model": {f"encoder.net.{name}": value for name, value in state.items()} | {"head.weight": torch.ones(2)}
        },
        lambda state: {name: value.double() for name, value in state.items() if "num_b" not in name},
    ],
    ids=["plain", "parallel", "prefix", "double"],
)
def test_a_file_of_weights_is_unwrapped(tmp_path, entries, tiny, wrap):
    torch.save(wrap(tiny), tmp_path / "mine.pth")
    entries(mine={"zoo": "own", "architecture": "tiny-resnet", "weights": "mine.pth"})
    found, normalisation, network = features(converted(tmp_path, "mine"))
    expected, _, _ = features(PACKAGE / "checkpoints/tiny/byol-tiny.safetensors")
    np.testing.assert_array_equal(found, expected)
    assert (network.feature_dim, normalisation["mean"][0]) == (80, 0.485)


@pytest.mark.parametrize("keys", [["net"], ["epoch"], ["model", "fc"]])
def test_unwrap_that_leads_to_no_dictionary_is_one_line(tmp_path, entries, tiny, keys):
    torch.save({"epoch": 3, "model": tiny}, tmp_path / "mine.pth")
    entries(mine={"zoo": "own", "architecture": "tiny-resnet", "weights": "mine.pth", "unwrap": keys})
    with pytest.raises(InputError, match=f"no dictionary of tensors under key '{keys[-1]}'; correct `unwrap`, "):
        converted(tmp_path, "mine")


def test_safetensors_are_read_as_well(tmp_path, entries, tiny):
    write_arrays(tmp_path / "mine.safetensors", {name: value.numpy() for name, value in tiny.items()}, {})
    entries(mine={"zoo": "own", "architecture": "tiny-resnet", "weights": "mine.safetensors", "normalisation": "none"})
    assert features(converted(tmp_path, "mine"))[1] == {"mean": [0, 0, 0], "std": [1, 1, 1]}


def state(prefix="", **more):
    return {f"{prefix}a.weight": np.ones((2, 3)), f"{prefix}a.bias": np.ones(2)} | more


EXPECTED = {
    "a.weight": torch.zeros(2, 3),
    "a.bias": torch.zeros(2),
    "a.num_batches_tracked": torch.zeros((), dtype=torch.int64),
}


def test_names_are_matched_under_the_one_prefix_that_fits(tmp_path):
    other = {"fc.weight": np.ones(3), "a.weight": np.ones((9, 9))}
    for given in (state(), state("module."), state("x.y.", **other)):
        found = match(given, EXPECTED, (), tmp_path)
        assert found.keys() == EXPECTED.keys() and found["a.weight"].dtype == np.float32
    assert match(state(**{"fc.weight": np.ones(3)}), EXPECTED, ("fc.",), tmp_path).keys() == EXPECTED.keys()


@pytest.mark.parametrize(
    "given, message",
    [
        ({"a.weight": np.ones((2, 3))}, "1 of 2 missing or misshapen, first 'a.bias'"),
        (state() | {"a.weight": np.ones((3, 2))}, "1 of 2 missing or misshapen, first 'a.weight'"),
        ({"b.weight": np.ones(1)}, "2 of 2 missing or misshapen, first 'a.weight'; 1 surplus, first 'b.weight'"),
        (state(**{"b.weight": np.ones(1)}), "the architecture lacks 1 of these weights, first 'b.weight'"),
        (state("q.") | state("k."), "these weights occur twice, under 'q.' and 'k.'"),
        (state() | {"a.bias": np.array([1, np.nan])}, "'a.bias' has values that are not finite"),
    ],
)
def test_what_does_not_fit_is_named_in_one_line(tmp_path, given, message):
    with pytest.raises(InputError, match=message) as error:
        match(given, EXPECTED, (), tmp_path / "file.pth")
    assert "\n" not in str(error.value) and "file.pth" in str(error.value)


def test_a_function_is_a_checkpoint(tmp_path, entries):
    name, entry = checkpoint_entry(f"{tmp_path}/code.py:net")
    assert (name, entry["image_size"], entry["normalisation"]["std"]) == ("net", 8, [0.1, 0.2, 0.3])
    entries(**{name: entry})
    path = converted(tmp_path, name)
    found, normalisation, network = features(path)
    weights = read_arrays(path)
    assert found.shape == (2, 7) and normalisation["std"] == [0.1, 0.2, 0.3]
    means = np.linspace(-1, 1, 1536, dtype=np.float32).reshape(2, 3, 256).mean(axis=2)
    np.testing.assert_allclose(found, means @ weights["layer.weight"].T + weights["layer.bias"], rtol=1e-5, atol=1e-6)
    assert read_metadata(path)["code_sha256"] and network.feature_dim == 7
    model = assemble(network, 4, Options(0.1, 0.0, steps=1, batch_size=2), torch.Generator())
    assert model(torch.zeros(2, 3, 8, 8)).shape == (2, 4)
    with pytest.raises(InputError, match="Net has no residual block; set `regime: full` or"):
        assemble(network, 4, Options(0.1, 0.0, steps=1, batch_size=2, regime="last_block"), torch.Generator())

    (tmp_path / "code.py").write_text(ENTRY.replace("(2, 3)", "(3, 2)"))
    with pytest.raises(InputError, match="code.py has changed since this file was converted; delete it"):
        load_network(path)


def test_random_weights_are_the_same_every_time(tmp_path, entries):
    entries(one={"zoo": "own", "architecture": "code.py:net"}, two={"zoo": "own", "architecture": "code.py:net"})
    np.testing.assert_array_equal(*(features(converted(tmp_path, name))[0] for name in ("one", "two")))


def test_a_file_of_weights_for_a_function(tmp_path, entries):
    weights = {"layer.weight": torch.ones(7, 3), "layer.bias": torch.arange(7.0), "head.weight": torch.ones(5)}
    torch.save(weights, tmp_path / "w.pt")
    name, entry = checkpoint_entry(f"{tmp_path}/w.pt={tmp_path}/code.py:net")
    entries(**{name: entry})
    path = converted(tmp_path, "w")
    assert read_arrays(path)["layer.bias"].tolist() == list(range(7))


@pytest.mark.parametrize(
    "architecture, message",
    [
        ("code.py:map", r"code.py:map: the network returns \(2, 4, 222, 222\) for two images"),
        ("code.py:text", "code.py: text returns a str; return a torch.nn.Module"),
        ("code.py:broken", "code.py: broken fails with RuntimeError: two lines"),
        ("code.py:nett", "code.py: unknown function 'nett'; did you mean 'net'"),
        ("none.py:net", "none.py: no such Python file"),
        ("torchvision/resnet5", "torchvision: unknown classifier 'resnet5'; did you mean 'resnet50'"),
        ("torchvision/squeezenet1_0", "no linear classifier found"),
        ("tiny-resnet", "mine.pth: no such file of weights"),
    ],
)
def test_wrong_networks_are_one_line(tmp_path, entries, architecture, message):
    weights = {"weights": "mine.pth"} if architecture == "tiny-resnet" else {"pretrained": False}
    entries(mine={"zoo": "own", "architecture": architecture, **weights})
    with pytest.raises(InputError, match=message) as error:
        converted(tmp_path, "mine")
    assert "\n" not in str(error.value)


def test_missing_modules_of_a_function_are_named(tmp_path, entries):
    (tmp_path / "needs.py").write_text("import a_module_that_nobody_has\n")
    with pytest.raises(InputError, match="needs.py: needs the module 'a_module_that_nobody_has'; install it"):
        checkpoint_entry(f"{tmp_path}/needs.py:net")


def test_a_function_may_import_its_neighbours(tmp_path, entries):
    (tmp_path / "neighbour_of_code.py").write_text(ENTRY)
    (tmp_path / "front.py").write_text("from neighbour_of_code import net\n")
    assert checkpoint_entry(f"{tmp_path}/front.py:net")[1]["image_size"] == 8


def test_torchvisions_weights_come_from_its_cache(tmp_path, entries, monkeypatch):
    """A download is the one thing that is not tried here: the file lies where torchvision would have put it."""
    import torchvision

    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    torch.manual_seed(3)
    full = torchvision.models.shufflenet_v2_x0_5()
    url = torchvision.models.ShuffleNet_V2_X0_5_Weights.DEFAULT.url
    (tmp_path / "cache/hub/checkpoints").mkdir(parents=True)
    torch.save(full.state_dict(), tmp_path / "cache/hub/checkpoints" / url.rsplit("/", 1)[1])
    name, entry = checkpoint_entry("torchvision:shufflenet_v2_x0_5")
    assert (name, entry["image_size"], entry["resize"]) == ("torchvision-shufflenet-v2-x0-5", 224, 256)
    assert entry["interpolation"] == "bilinear" and entry["normalisation"]["mean"] == [0.485, 0.456, 0.406]
    entries(**{name: entry})
    found, _, network = features(converted(tmp_path, name), side=64)
    full.fc = nn.Identity()
    images = torch.linspace(-1, 1, 2 * 3 * 64 * 64).reshape(2, 3, 64, 64)
    with torch.inference_mode():
        np.testing.assert_allclose(found, full.eval()(images).numpy(), rtol=1e-4, atol=1e-5)
    assert network.feature_dim == 1024


def test_what_cannot_be_fetched_is_one_line(tmp_path, entries, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))

    def offline(*arguments, **options):
        raise OSError("no route to host")

    monkeypatch.setattr("torch.hub.download_url_to_file", offline)
    entries(net={"zoo": "own", "architecture": "torchvision/shufflenet_v2_x0_5"})
    with pytest.raises(InputError, match="torchvision/shufflenet_v2_x0_5: OSError: no route to host; go online once"):
        converted(tmp_path, "net")


def test_an_entry_point_of_torch_hub(tmp_path, entries):
    (tmp_path / "repository").mkdir()
    (tmp_path / "repository/hubconf.py").write_text(
        "import torch\n"
        "def with_head(pretrained=False):\n"
        "    net = torch.nn.Sequential()\n"
        "    net.pool = torch.nn.AdaptiveAvgPool2d(1)\n"
        "    net.flat = torch.nn.Flatten()\n"
        "    net.fc = torch.nn.Linear(3, 9)\n"
        "    net.scale = torch.nn.Parameter(torch.full((), 2.0 if pretrained else 0.0))\n"
        "    return net\n"
    )
    name, entry = checkpoint_entry(f"hub:{tmp_path}/repository:with_head")
    entries(**{"hub": entry})
    path = converted(tmp_path, "hub")
    assert features(path)[0].shape == (2, 3) and read_arrays(path)["scale"] == 2.0


def test_tables_that_no_file_has_are_built(tmp_path, monkeypatch):
    """Buffers outside the state dict must have their values, though networks are built without any to save time."""

    class WithTable(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(()))
            self.register_buffer("table", torch.arange(3.0), persistent=False)

    monkeypatch.setitem(build_table(), "with-table", WithTable)
    metadata = {"architecture": "with-table", "normalisation": {"mean": [0] * 3, "std": [1] * 3}}
    write_arrays(tmp_path / "x.safetensors", {"weight": np.ones((), np.float32)}, metadata)
    network, _ = load_network(tmp_path / "x.safetensors")
    assert network.table.tolist() == [0, 1, 2] and network.weight == 1


def build_table():
    from pedrank.networks import resnets

    return resnets._ARCHITECTURES


@pytest.mark.parametrize(
    "word, message",
    [
        ("byoll", "unknown checkpoint 'byoll'; did you mean 'byol'?"),
        ("mine.pth", "mine.pth: no such file .* add the architecture, for example mine.pth=resnet50"),
        ("mine.pth=resnet50", "mine.pth: no such file of weights"),
        ("torchvision:resnet50@V7", "torchvision: unknown weights 'V7' of resnet50"),
        ("none.py:net", "none.py: no such Python file"),
    ],
)
def test_misspelt_words_are_answered(word, message):
    with pytest.raises(InputError, match=message):
        checkpoint_entry(word)


def test_names_of_catalogues_are_kept_and_not_taken(tmp_path, tiny):
    assert checkpoint_entry("byol") == ("byol", None)
    torch.save(tiny, tmp_path / "byol.pth")
    name, entry = checkpoint_entry(f"{tmp_path}/byol.pth=tiny-resnet")
    assert name == "own-byol" and entry["architecture"] == "tiny-resnet"
    with pytest.raises(InputError, match="unknown architecture 'resnet5'; did you mean 'resnet50'"):
        checkpoint_entry(f"{tmp_path}/byol.pth=resnet5")


def test_timm(tmp_path, entries):
    timm = pytest.importorskip("timm")
    name, entry = checkpoint_entry("timm:mobilenetv3_small_050.lamb_in1k@random")
    assert (entry["image_size"], entry["pretrained"]) == (224, False)
    entries(net=entry)
    found, _, network = features(converted(tmp_path, "net"), side=64)
    assert found.shape == (2, network.feature_dim) == (2, 1024)  # which its num_features is not
    full = timm.create_model("mobilenetv3_small_050", num_classes=5)
    torch.save({"state_dict": full.state_dict()}, tmp_path / "fine.pth")
    entries(fine={"zoo": "own", "architecture": "timm/mobilenetv3_small_050", "weights": "fine.pth"})
    found, _, _ = features(converted(tmp_path, "fine"), side=64)
    images = torch.linspace(-1, 1, 2 * 3 * 64 * 64).reshape(2, 3, 64, 64)
    with torch.inference_mode():
        full.eval().reset_classifier(0)
        np.testing.assert_allclose(found, full(images).numpy(), rtol=1e-4, atol=1e-5)
    for wrong, message in {
        "resnt50": "did you mean 'resnet50'",
        "resnet50.a9_in1k": "no weights 'a9_in1k' of resnet50",
    }.items():
        with pytest.raises(InputError, match=message):
            checkpoint_entry(f"timm:{wrong}")
