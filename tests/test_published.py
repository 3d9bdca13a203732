"""The tables of published numbers: every row follows its schema, and agrees with sources that are installed."""

import csv
import io

import jsonschema
import pytest
import yaml

from pedrank.catalogue.catalogue import catalogue
from pedrank.utils.paths import PUBLISHED, ROOT

SCHEMA = yaml.safe_load((ROOT / "schemas/published.schema.yaml").read_text(encoding="utf-8"))


def number(cell):
    """A cell as a number if it looks like one."""
    for kind in (int, float):
        try:
            return kind(cell)
        except ValueError:
            pass
    return cell


def rows_of(text):
    return [{name: number(cell) for name, cell in row.items()} for row in csv.DictReader(io.StringIO(text))]


def mistakes(tables):
    """One line for each row that does not follow the schema, or that another row repeats."""
    found = [
        f"{'/'.join(map(str, e.path))}: {e.message}"
        for e in jsonschema.Draft202012Validator(SCHEMA).iter_errors(tables)
    ]
    for name, rows in tables.items():
        keys = [tuple(row.get(column) for column in SCHEMA["properties"][name]["x-unique"]) for row in rows]
        found += (
            [f"{name}: {key} stands there twice" for key in set(keys) if keys.count(key) > 1]
            if len(set(keys)) < len(keys)
            else []
        )
    weights = {(row["study"], row["checkpoint"]) for row in tables["weights.csv"]}
    accuracies = {(row.get("study"), row.get("checkpoint")) for row in tables["accuracy-supervised.csv"]}
    networks = {f"torchvision:{row['model']}@{row['weights']}" for row in tables["torchvision-imagenet.csv"]}
    known = networks | set(catalogue("checkpoints"))
    found += [f"weights.csv: {pair} has no accuracy" for pair in sorted(weights - accuracies)]
    found += [
        f"weights.csv: unknown weights {row['weights']}" for row in tables["weights.csv"] if row["weights"] not in known
    ]
    found += [
        f"accuracy.csv: unknown checkpoint {row['checkpoint']}"
        for row in tables["accuracy.csv"]
        if row["checkpoint"] not in catalogue("checkpoints")
    ]
    licensed, measured = ({row["model"] for row in tables[f"timm-{name}.csv"]} for name in ("licences", "imagenet"))
    found += [f"timm-licences.csv: {model} in one table only" for model in sorted(licensed ^ measured)]
    for name in ("torchvision-imagenet.csv", "timm-imagenet.csv"):
        default = {
            (row["model"].split(".")[0], row["model"], row.get("weights"))
            for row in tables[name]
            if row["default"] == "yes"
        }
        networks = [network for network, *_ in default]
        found += [f"{name}: two defaults of {each}" for each in set(networks) if networks.count(each) > 1]
    return found


@pytest.fixture
def tables():
    return {path.name: rows_of(path.read_text(encoding="utf-8")) for path in sorted(PUBLISHED.glob("*.csv"))}


def test_every_shipped_row_follows_the_schema(tables):
    assert mistakes(tables) == []
    sizes = {"accuracy.csv": 384, "accuracy-supervised.csv": 531, "scores-tll.csv": 720, "timm-imagenet.csv": 1556}
    assert {name: len(tables[name]) for name in sizes} == sizes


@pytest.mark.parametrize(
    "table, row, mistake",
    [
        ("accuracy-supervised.csv", {"accuracy": 0.84}, "accuracy-supervised.csv/0/accuracy: 0.84 is less than"),
        ("accuracy-supervised.csv", {"accuracy": 841.0}, "841.0 is greater than the maximum of 100"),
        ("accuracy-supervised.csv", {"accuracy": "?"}, "is not of type 'number'"),
        ("accuracy-supervised.csv", {"dataset": "cifar-10"}, "'cifar-10' is not one of"),
        ("accuracy-supervised.csv", {"study": "mine"}, "'mine' is not one of"),
        ("accuracy-supervised.csv", {"sd": 1.0}, "'sd' was unexpected"),
        ("accuracy.csv", {"checkpoint": "bjol"}, "accuracy.csv: unknown checkpoint bjol"),
        ("weights.csv", {"weights": "torchvision:resnet34@V3"}, "unknown weights torchvision:resnet34@V3"),
        ("weights.csv", {"checkpoint": "resnet35"}, "('sfda-cnn', 'resnet35') has no accuracy"),
        ("timm-imagenet.csv", {"model": "resnet50"}, "'resnet50' does not match"),
        ("timm-imagenet.csv", {"default": "maybe"}, "'maybe' is not one of"),
        ("timm-licences.csv", {"model": "resnet50.mine"}, "timm-licences.csv: resnet50.mine in one table only"),
        ("torchvision-imagenet.csv", {"params_millions": 0}, "0 is less than or equal to the minimum of 0"),
        ("scores-tll.csv", {"metric": "lepp"}, "'lepp' is not one of"),
        ("table1.csv", {"tau_w": 1.2}, "1.2 is greater than the maximum of 1"),
    ],
)  # fmt: skip
def test_a_wrong_row_is_found(tables, table, row, mistake):
    tables[table][0] |= row
    assert any(mistake in each for each in mistakes(tables)), mistakes(tables)


def test_a_row_that_stands_twice_is_found(tables):
    tables["accuracy-supervised.csv"].append(dict(tables["accuracy-supervised.csv"][3]))
    assert len(mistakes(tables)) == 1 and "stands there twice" in mistakes(tables)[0]


def test_torchvision_states_the_same_accuracies(tables):
    """torchvision's own description of its weights, not our table's maker, is the judge."""
    models = pytest.importorskip("torchvision.models")
    for row in tables["torchvision-imagenet.csv"]:
        weights = models.get_model_weights(row["model"])
        found = weights[row["weights"]]
        assert found.meta["_metrics"]["ImageNet-1K"]["acc@1"] == row["imagenet_top1"], row
        assert found.meta["num_params"] / 1e6 == pytest.approx(row["params_millions"], abs=0.006), row
        assert (found is weights.DEFAULT) == (row["default"] == "yes"), row


def test_timm_states_the_same_licences_and_image_sizes(tables):
    timm = pytest.importorskip("timm")
    sizes = {}
    for row in tables["timm-imagenet.csv"]:
        sizes.setdefault(row["model"], []).append(row["img_size"])
    for row in tables["timm-licences.csv"]:
        configuration = timm.get_pretrained_cfg(row["model"])
        assert configuration.license == row["licence"].lower(), row
        assert configuration.input_size[-1] == min(sizes[row["model"]]), row


def test_tables_are_small_enough_for_the_repository():
    assert max(path.stat().st_size for path in PUBLISHED.iterdir()) < 2 * 2**20
    source = (PUBLISHED / "README.md").read_text(encoding="utf-8")
    assert all(f"`{path.name}`" in source for path in PUBLISHED.glob("*.csv"))
