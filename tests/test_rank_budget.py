"""`pedrank rank --budget`: the race runs on real networks, keeps to its time, and continues where it was."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from test_rank import _environment, rank

from pedrank.finetune import race_runs
from pedrank.finetune.protocol import protocol
from pedrank.finetune.run import pair
from pedrank.ranking.belief import prior_belief, ranking_belief
from pedrank.ranking.combine import combine
from pedrank.store.artefacts import read_csv, read_json
from pedrank.utils.paths import PACKAGE, ROOT

NAMES = ("byol-tiny", "moco-tiny", "simclr-tiny", "vicreg-tiny")
GRID = {"learning_rates": [0.1, 0.05], "weight_decays": [1e-4], "seeds": 3, "steps": 3, "batch_size": 16}


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("raced")
    export = [sys.executable, str(ROOT / "scripts/export_images.py"), "--dataset", "digits", "--limit", "20"]
    subprocess.run([*export, "--out", "photos"], cwd=folder, check=True, env=_environment())
    return folder


@pytest.fixture(scope="module")
def raced(photos):
    """Four checkpoints, of which one sees smaller images, with time for all."""
    own = {"zoo": "mine", "architecture": "tiny-resnet", "image_size": 24, "normalisation": "imagenet"}
    own["weights"] = str(PACKAGE / "checkpoints/tiny/vicreg-tiny.safetensors")
    (photos / "own.yaml").write_text(json.dumps({"checkpoints": {"vicreg-24": own}}))
    arguments = ["--images", "photos", "--catalogue", "own.yaml", "--json", "--steps", "3", "--budget", "10m"]
    arguments += ["--checkpoints", *NAMES[:3], "vicreg-24"]
    done = rank(photos, *arguments)
    assert done.returncode == 0, done.stderr
    return photos / "pedrank-results/results/photos", arguments, json.loads(done.stdout)


def test_the_answer_says_who_won_and_what_it_cost(raced):
    results, _, answer = raced
    found = answer["confirmation"]
    race, tried = found["race"], found["fine_tuned"]
    assert {entry["checkpoint"] for entry in tried} == {*NAMES[:3], "vicreg-24"} and race["untried"] == []
    assert race["winner"] not in race["borrowed"]
    seconds = read_csv(results / "finetune/photos.seconds.csv")["seconds"].sum()
    assert seconds <= race["spent_seconds"] <= race["budget_seconds"] == 600
    said = " ".join(found["sentences"])
    assert race["winner"] in said and "docs/budget.md" in said
    assert said.split()[0] in ("Use", "No") and "4 checkpoints were fine-tuned" in said
    report = (results / "report.html").read_text()
    assert found["sentences"][0].split(":")[0] in report
    kept = answer["kept"]
    assert (kept["checkpoint"], kept["options"]["learning_rate"]) == (race["winner"], race["learning_rate"])
    assert kept["accuracy"] == kept["recorded"] and (results / "winner/photos/model.safetensors").exists()


def test_the_table_holds_the_means_of_the_files(raced):
    """Of the runs with a checkpoint's own learning rate, or of its trial where that was all."""
    results, _, answer = raced
    for entry in answer["confirmation"]["fine_tuned"]:
        folder = results / f"finetune/photos/{entry['checkpoint']}"
        runs = [read_json(path) for path in folder.glob("test-*.json") if "timing" not in path.name]
        rates = {run["options"]["learning_rate"] for run in runs}
        by_rate = {rate: [run["accuracy"] for run in runs if run["options"]["learning_rate"] == rate] for rate in rates}
        counted = max(by_rate.values(), key=len)
        assert entry["seeds"] == len(counted)
        assert entry["accuracy"] == pytest.approx(np.mean(counted))


def test_networks_see_their_own_crops_and_share_a_rate_by_architecture(raced):
    results, _, answer = raced
    hashes = {
        name: read_json(next((results / f"finetune/photos/{name}").glob("test-*-seed0.json")))["images"]
        for name in ("byol-tiny", "moco-tiny", "vicreg-24")
    }
    assert hashes["byol-tiny"] == hashes["moco-tiny"] != hashes["vicreg-24"]
    searched = [
        name
        for name in (*NAMES[:3], "vicreg-24")
        if any((results / f"finetune/photos/{name}").glob("validation-*.json"))
    ]
    assert sorted(set((*NAMES[:3], "vicreg-24")) - set(searched)) == sorted(answer["confirmation"]["race"]["borrowed"])


def test_the_same_command_again_trains_nothing(raced):
    results, arguments, answer = raced
    runs = {path: path.stat().st_mtime_ns for path in (results / "finetune/photos").rglob("*.json")}
    (results / "finetune/photos.race.json").unlink()  # as if the race had been interrupted after its last run
    done = rank(results.parents[2], *arguments)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["confirmation"] == answer["confirmation"]
    assert runs == {path: path.stat().st_mtime_ns for path in (results / "finetune/photos").rglob("*.json")}


def test_the_belief_of_a_ranking_is_that_of_its_scores(raced):
    results, _, answer = raced
    belief = ranking_belief(read_json(results / "ranking/photos.json"))
    scores = pd.concat([read_csv(results / f"{name}/photos.csv") for name in ("scores", "scores/baselines")])
    table = scores.pivot(index="checkpoint", columns="metric", values="rank_score")
    direct = prior_belief(table)
    order = [direct.names.index(name) for name in belief.names]
    np.testing.assert_allclose(belief.means, direct.means[:, order], atol=1e-9)
    assert list(belief.names) == combine(table).sort_values(ascending=False, kind="stable").index.tolist()


def _stopped_after(pair_of, calls):
    left = [calls]

    def limited(name):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return pair_of(name)

    return limited


def test_an_interrupted_race_ends_as_an_uninterrupted_one(raced, tmp_path):
    results, _, _ = raced
    (images,) = (results.parents[1] / "results/data/photos").glob("images-32*.safetensors")

    def pair_of(name):
        return pair(images, PACKAGE / f"checkpoints/tiny/{name}.safetensors", "top-1")

    belief = prior_belief(pd.DataFrame({"logme": [1.0, 2, 3, 4]}, index=NAMES))  # the worst of them comes first
    kinds = dict.fromkeys(NAMES, "tiny-resnet")
    plan = protocol(GRID | {"steps": 16})

    def outcome(folder, load):
        runs, found = race_runs.run_race(load, kinds, tmp_path / folder, plan, belief, 1e6)
        return {
            name: [(run.name, run.record["stage"], run.record["accuracy"]) for run in each]
            for name, each in runs.items()
        }, found["winner"]

    whole = outcome("whole", pair_of)
    for calls in (1, 3, 4):
        with pytest.raises(KeyboardInterrupt):
            outcome("broken", _stopped_after(pair_of, calls))
    assert outcome("broken", pair_of) == whole
    assert all(sum(run[1] == "test" for run in each) == 3 for each in whole[0].values())


@pytest.mark.parametrize("borrowed", [0.1, 0.003])
def test_a_search_repeats_the_runs_only_with_another_learning_rate(raced, tmp_path, borrowed):
    results, _, _ = raced
    (images,) = (results.parents[1] / "results/data/photos").glob("images-32*.safetensors")
    known = pair(images, PACKAGE / "checkpoints/tiny/byol-tiny.safetensors", "top-1")
    plan, entrant = protocol(GRID | {"steps": 16}), race_runs.Entrant()
    for _ in range(2):
        race_runs._advance(entrant, False, known, (borrowed, 1e-4), tmp_path, plan)
    assert entrant.own is None and len(entrant.first) == 2
    race_runs._advance(entrant, True, known, None, tmp_path, plan)
    race_runs._advance(entrant, False, known, None, tmp_path, plan)
    own = [run.record["options"]["learning_rate"] for run in entrant.again]
    assert own == [entrant.own[0]] * 3
    stages = [run.record["stage"] for run in entrant.runs()]
    trials = ["trial"] * 2 if borrowed != entrant.own[0] else []
    assert stages == ["validation"] * 2 + trials + ["test"] * 3


@pytest.mark.parametrize(
    "option, message",
    [
        (["--budget", "5"], "'5' is no time above 0 with a unit, such as 90s, 30m or 2h"),
        (["--budget", "0m"], "'0m' is no time above 0"),
        (["--budget", "5m", "--finetune", "top3"], "not allowed with argument"),
    ],
)
def test_a_wrong_budget_is_one_line(photos, option, message):
    done = rank(photos, "--images", "photos", "--zoo", "tiny", *option)
    assert done.returncode in (1, 2) and message in done.stderr and "Traceback" not in done.stderr


def test_a_budget_too_short_for_one_checkpoint_says_what_one_takes(photos):
    arguments = ["--images", "photos", "--checkpoints", *NAMES[:2], "--out", "short", "--budget", "0.001s"]
    done = rank(photos, *arguments)
    assert done.returncode == 1 and not done.stdout
    assert "are too short: fine-tuning one checkpoint takes about" in done.stderr
    assert not (photos / "short/results/photos/finetune/photos.csv").exists()
