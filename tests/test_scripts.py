"""Scripts by hand: what they refuse, and that a wrong number cannot slip between two of them."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from pedrank.store.artefacts import read_arrays, read_csv, read_json, read_metadata, write_arrays
from pedrank.utils.paths import ROOT


def script(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / f"{name}.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def score(folder: Path, checkpoint: str, features: np.ndarray, labels: np.ndarray) -> subprocess.CompletedProcess[str]:
    path = folder / f"{checkpoint}.safetensors"
    write_arrays(path, {"features": features.astype(np.float32), "labels": labels}, {})
    stem = folder / "scores/logme/{refinement}/digits" / checkpoint
    outputs = ("--scores", f"{stem}.json", "--seconds", f"{stem}.seconds.json")
    return script("score", "--metrics", "logme", "--features", path, *outputs)


def collect(folder: Path, *checkpoints: str) -> subprocess.CompletedProcess[str]:
    config = {"checkpoints": list(checkpoints), "metrics": ["logme"], "ped": {"lambdas": []}}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    scores = folder / "scores/{metric}/{refinement}/digits/{checkpoint}.json"
    study = ("--dataset", "digits", "--study", folder / "config.yaml")
    return script("collect", *study, "--scores", scores, "--out", folder / "scores.csv")


@pytest.fixture
def pair():
    random = np.random.default_rng(0)
    return random.standard_normal((60, 5)), np.arange(60) % 3


def test_scores_are_collected_digit_by_digit(tmp_path, pair):
    features, labels = pair
    for checkpoint, scale in (("one", 1), ("two", 3)):
        assert score(tmp_path, checkpoint, scale * features, labels).returncode == 0
    assert collect(tmp_path, "one", "two").returncode == 0
    table = read_csv(tmp_path / "scores.csv").set_index("checkpoint")
    for checkpoint in ("one", "two"):
        made = read_json(tmp_path / f"scores/logme/none/digits/{checkpoint}.json")
        assert table.loc[checkpoint, "score"] == made["score"]


def test_labels_that_differ_between_checkpoints_are_refused(tmp_path, pair):
    features, labels = pair
    score(tmp_path, "one", features, labels)
    score(tmp_path, "two", features, labels[::-1].copy())
    refused = collect(tmp_path, "one", "two")
    assert refused.returncode == 1
    assert "two.json: the labels differ from those of" in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert not (tmp_path / "scores.csv").exists()


def test_a_score_edited_by_hand_enters_no_table(tmp_path, pair):
    for checkpoint in ("one", "two"):
        score(tmp_path, checkpoint, *pair)
    path = tmp_path / "scores/logme/none/digits/two.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record | {"score": record["score"] + 1e-6}))
    refused = collect(tmp_path, "one", "two")
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"error: {path}: not as it was written") and refused.stderr.count("\n") == 1
    assert not (tmp_path / "scores.csv").exists()


def test_features_of_another_checkpoint_are_not_scored(tmp_path, pair):
    folder = tmp_path / "results/study/features/digits"
    for checkpoint in ("one", "two"):
        score(folder, checkpoint, *pair)
    (folder / "one.safetensors").rename(folder / "three.safetensors")
    stem = folder / "scores/{refinement}/three"
    outputs = ("--scores", f"{stem}.json", "--seconds", f"{stem}.seconds.json")
    refused = script("score", "--metrics", "logme", "--features", folder / "three.safetensors", *outputs)
    assert refused.returncode == 1
    assert "three.safetensors: this file belongs at results/study/features/digits/one.safetensors" in refused.stderr


@pytest.mark.parametrize(
    "spoil, message",
    [
        (lambda features, labels: (np.where(features == features[7, 3], np.nan, features), labels), "row 7 holds NaN"),
        (lambda features, labels: (features, labels + 1), "no sample has label 0"),
        (lambda features, labels: (features, labels * 0), "only one class"),
        (lambda features, labels: (features[:-1], labels), "59 rows but 60 labels"),
    ],
    ids=["nan", "gap", "one class", "rows"],
)
def test_bad_features_and_labels_are_one_line_that_names_the_file(tmp_path, pair, spoil, message):
    refused = score(tmp_path, "one", *spoil(*pair))
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"error: {tmp_path}/one.safetensors: ")
    assert message in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert not (tmp_path / "scores").exists()


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "scripts").glob("*.py")))
def test_every_script_explains_itself(name):
    shown = script(name, "--help")
    assert shown.returncode == 0
    assert "usage:" in shown.stdout


def test_published_reference_statistics_are_taken_as_they_are_or_refused(tmp_path):
    published, out = tmp_path / "byol.safetensors", tmp_path / "reference/byol.safetensors"
    write_arrays(published, {"mean": np.arange(3.0), "std": np.ones(3)}, {"images": "ImageNet, by somebody"})
    assert script("reference_given", "--statistics", published, "--out", out).returncode == 0
    assert read_arrays(out)["mean"].tolist() == [0, 1, 2]
    assert read_metadata(out) == {"images": "ImageNet, by somebody"}
    write_arrays(published, {"mean": np.arange(3.0), "std": np.array([1, np.nan, 1])}, {})
    out.unlink()
    refused = script("reference_given", "--statistics", published, "--out", out)
    assert refused.returncode == 1 and refused.stderr.startswith(f"error: {published}: reference statistics: ")
    assert not out.exists()


def test_baselines_take_the_studys_options_and_plugins(tmp_path):
    plugin = tmp_path / "mine.py"
    plugin.write_text(
        "from pedrank.metrics import metric\n\n\n@metric()\ndef spread(observation, scale=1.0):\n"
        "    return scale * observation.means.std()\n"
    )
    features, labels = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32), np.arange(40) % 4
    write_arrays(tmp_path / "x.safetensors", {"features": features, "labels": labels}, {})
    found = []
    for options in ("{}", '{"spread": {"scale": 3.0}}'):
        done = script(
            "baselines",
            *("--dataset", "digits", "--features", tmp_path / "x.safetensors"),
            *("--metrics", "spread", "--options", options, "--plugins", plugin),
            *("--scores", tmp_path / "scores.csv", "--seconds", tmp_path / "seconds.csv"),
        )
        assert done.returncode == 0, done.stderr
        found.append(read_csv(tmp_path / "scores.csv")["score"].item())
    assert found[1] == pytest.approx(3 * found[0])


def test_tables_and_figures_print_the_titles_of_a_studys_plugins(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from pedrank.metrics import metric\n\n\n@metric(title='Spread of means')\ndef spread(observation):\n"
        "    return observation.means.std()\n"
    )
    study = tmp_path / "config.yaml"
    study.write_text(yaml.safe_dump({"plugins": [str(tmp_path / "mine.py")]}))
    rows = "dataset,checkpoint,metric,refinement,seconds,refinement_seconds,n,d,c,threads,device\n"
    (tmp_path / "seconds.csv").write_text(
        rows + "".join(f"digits,{name},spread,none,0.1,,40,5,4,1,a CPU\n" for name in "ab")
    )
    done = script(
        *("table", "table2", "--seconds", tmp_path / "seconds.csv", "--study", study),
        *("--out", tmp_path / "table2.md", tmp_path / "table2.tex", "--made-by", tmp_path / "b.json"),
    )
    assert done.returncode == 0, done.stderr
    for written in ("table2.md", "table2.tex"):
        text = (tmp_path / written).read_text(encoding="utf-8")
        assert "Spread of means" in text and "spread" not in text
    (tmp_path / "mine.py").unlink()  # the message shows that a figure's script runs the plugin
    done = script("figure", "cost", "--study", study, "--out", tmp_path / "{figure}.{ext}")
    assert done.returncode == 1 and "mine.py: no such Python file; correct the path" in done.stderr


@pytest.mark.parametrize("kind, rest", [("table", ("--made-by", "b.json")), ("figure", ())])
@pytest.mark.parametrize("name", ["tabel1", "write", "style"])  # helper modules have no function of their name
def test_an_unknown_table_or_figure_is_one_line(kind, rest, name, tmp_path):
    done = script(kind, name, *rest, "--out", tmp_path / "{figure}.csv")
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith(f"error: unknown {kind} '{name}'; ") and done.stderr.count("\n") == 1
