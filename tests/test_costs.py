"""What checkpoints cost: numbers of the published tables, and licences."""

import pytest

from pedrank.catalogue.catalogue import catalogue
from pedrank.catalogue.licence import licence_kind
from pedrank.ranking.costs import costs, licence, timm_checkpoints, torchvision_checkpoints
from pedrank.ranking.known_weights import published_table


def cost(entry):
    return costs({"it": {"zoo": "own", **entry}}).loc["it"].tolist()


def test_numbers_are_those_of_the_image_size():
    rows = {
        row["img_size"]: row
        for row in published_table("timm-imagenet.csv")
        if row["model"] == "edgenext_small.usi_in1k"
    }
    for size in ("256", "320"):
        expected = [float(rows[size][name]) for name in ("params_millions", "gmacs", "images_per_second")]
        found = cost({"architecture": "timm/edgenext_small.usi_in1k", "image_size": int(size)})
        assert found[:3] == expected and found[3] is not None
    assert cost({"architecture": "timm/edgenext_small.usi_in1k"})[1] == float(rows["256"]["gmacs"])  # timm's own size
    params, gmacs, speed, _ = cost({"architecture": "timm/edgenext_small", "image_size": 300})
    assert params == float(rows["256"]["params_millions"]) and gmacs != gmacs and speed != speed  # NaN: not published


def test_every_resnet50_is_timms():
    """The catalogue's ResNet-50s differ in their weights only."""
    table = costs(dict.fromkeys(["byol", "swav", "byol-as-trained"]))
    assert table[["params_millions", "gmacs"]].drop_duplicates().values.tolist() == [[25.56, 4.11]]
    assert table["licence"].tolist() == ["CC-BY-NC-4.0", catalogue("checkpoints")["swav"]["licence"], "CC-BY-NC-4.0"]


def test_names_that_speak_for_themselves():
    table = costs(
        dict.fromkeys(["timm:resnet50", "timm:resnet50@random", "torchvision:resnet18@IMAGENET1K_V1", "mine"])
    )
    assert table["params_millions"].fillna(0).tolist() == [25.56, 25.56, 11.69, 0]
    assert table["licence"].tolist() == ["Apache-2.0", None, None, None]


def test_what_is_unknown_stays_unknown():
    table = costs({"byol-tiny": None, "code": {"architecture": "net.py:make"}, "features": {"zoo": "features"}})
    assert table[["params_millions", "gmacs", "images_per_second"]].isna().all(axis=None)
    assert table["licence"].tolist() == ["MIT", None, None]
    assert cost({"architecture": "torchvision/resnet50", "pretrained": True})[0] == 25.56
    assert cost({"architecture": "torchvision/resnet50", "pretrained": True})[3] is None


def test_a_licence_belongs_to_weights_and_not_to_a_network():
    entry = {"zoo": "own", "architecture": "timm/resnet50.fb_swsl_ig1b_ft_in1k"}
    assert licence("mine", entry) == "CC-BY-NC-4.0"
    assert licence("mine", entry | {"pretrained": False}) is licence("mine", entry | {"weights": "mine.pth"}) is None
    assert licence("mine", entry | {"licence": "MIT"}) == "MIT"
    assert licence("mine", {"architecture": "timm/resnet50"}) == "Apache-2.0"  # of the default weights
    assert licence("mine", {"architecture": "timm/res2net50d.in1k"}) is None  # timm: unknown


def test_every_known_licence_has_a_kind():
    """A new name fails here, so that its terms are read: names that are not listed have terms of their own."""
    names = {row["licence"] for row in published_table("timm-licences.csv")}
    names |= {entry["licence"] for entry in catalogue("checkpoints").values() if "licence" in entry}
    kinds = {kind: {name for name in names if licence_kind(name) == kind} for kind in map(licence_kind, names)}
    assert kinds == {
        "permissive": {"Apache-2.0", "MIT", "BSD-3-Clause", "BSD-2-Clause", "CC-BY-4.0"},
        "non-commercial": {"CC-BY-NC-4.0", "seer-license"},
        "special": {"cvnets-license", "fastvit-license", "mobileone-license"},
        "unknown": {"unknown"},
    }


@pytest.mark.parametrize("checkpoints", [timm_checkpoints, torchvision_checkpoints])
def test_all_published_weights_have_a_size(checkpoints):
    assert (costs(checkpoints())["params_millions"] > 0).all()
