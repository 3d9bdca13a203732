"""The prior: names of weights and datasets, and rankings that SciPy and the published tables judge."""

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.stats import weightedtau, zscore

from pedrank.catalogue.catalogue import catalogue
from pedrank.evaluation.names import WITHOUT_FEATURES
from pedrank.evaluation.summary import summarise
from pedrank.ranking.known_weights import finetuned_accuracies, imagenet_accuracy, weights_key
from pedrank.ranking.prior import has_imagenet, has_prior, left_out, mean_z_scores, prior, prior_sources
from pedrank.ranking.prior_rows import prior_rows, prior_scores, unknown
from pedrank.report.sentences.caveats import caveats
from pedrank.report.sentences.verdict import verdicts
from pedrank.study.plan import Plan
from pedrank.user_data.checkpoint_names import checkpoint_entries
from pedrank.user_data.slug import slug
from pedrank.utils.paths import PUBLISHED, ROOT

PAPER = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
V1 = "torchvision:{}@IMAGENET1K_V1"


def published(name, query):
    table = pd.read_csv(PUBLISHED / name).query(query)
    return table.pivot(index="checkpoint", columns="dataset", values="accuracy")


@pytest.fixture
def tll():
    wide = published("accuracy-supervised.csv", "study == 'tll'")
    return wide.set_axis([V1.format(name) for name in wide.index])


def long(wide, laboratory="ours"):
    table = wide.rename_axis(index="checkpoint", columns="dataset").stack().rename("accuracy").reset_index()
    return table.assign(laboratory=laboratory)


def mean_tau(column, wide, **options):
    taus = {each: weightedtau(prior(wide.index, each, **options)[column], wide[each])[0] for each in wide}
    return np.mean(list(taus.values())), taus


def test_imagenet_accuracy_on_the_papers_checkpoints():
    wide = published("accuracy.csv", f"regime == 'full' and dataset in {PAPER['datasets']}")
    mean, taus = mean_tau("imagenet", wide.loc[PAPER["checkpoints"]])
    assert mean == pytest.approx(0.572, abs=5e-4)
    assert (taus["dtd"], taus["aircraft"]) == pytest.approx((0.802, 0.341), abs=5e-4)


def test_both_priors_on_the_hub_of_tll(tll):
    """0.72 and 0.75 were measured with another program."""
    assert mean_tau("imagenet", tll)[0] == pytest.approx(0.72, abs=0.005)
    assert mean_tau("prior", tll, accuracies=long(tll))[0] == pytest.approx(0.75, abs=0.005)


def test_imagenet_accuracy_ranks_better_than_logme_on_the_hub_of_tll(tll):
    logme = pd.read_csv(PUBLISHED / "scores-tll.csv").query("metric == 'logme'")
    logme = logme.pivot(index="checkpoint", columns="dataset", values="score")
    logme.index = logme.index.map(V1.format)
    mean = np.mean([weightedtau(logme[dataset][tll.index], tll[dataset])[0] for dataset in tll])
    assert mean == pytest.approx(0.68, abs=0.005) and mean < mean_tau("imagenet", tll)[0]


@pytest.mark.parametrize("laboratory, expected", [("tll", 0.50), ("sfda", 0.80), ("itm", 0.64)])
def test_accuracies_of_other_laboratories_alone(laboratory, expected):
    """The numbers of docs/evaluation.md."""
    everything = pd.DataFrame(finetuned_accuracies())
    here = everything["laboratory"] == laboratory
    wide = everything[here].pivot(index="checkpoint", columns="dataset", values="accuracy")
    elsewhere = set(everything["checkpoint"][~here])
    wide = wide[[name in elsewhere and name.startswith("torchvision") for name in wide.index]]
    assert mean_tau("prior", wide, accuracies=everything[~here])[0] == pytest.approx(expected, abs=0.005)


def test_all_shipped_tables_on_the_hub_of_tll(tll):
    """Less than ImageNet accuracy: docs/evaluation.md says so."""
    assert mean_tau("prior", tll)[0] == pytest.approx(0.54, abs=0.005)


def test_the_prior_is_the_mean_of_scipys_z_scores(tll):
    found = prior(tll.index, "pets", accuracies=long(tll))["prior"]
    expected = tll.drop(columns="pets").apply(zscore).mean(axis=1)
    pd.testing.assert_series_equal(found, expected, check_names=False)


def test_every_laboratory_has_its_own_scale():
    """The same ranking in another protocol, ten points lower and twice as wide, changes nothing."""
    ours = pd.DataFrame({"pets": [80.0, 85.0, 90.0], "cars": [40.0, 60.0, 50.0]}, index=["a", "b", "c"])
    both = pd.concat([long(ours), long(ours * 2 - 100, "theirs")])
    pd.testing.assert_series_equal(mean_z_scores(both), mean_z_scores(long(ours)))
    flat = pd.concat([long(ours), long(ours.assign(dtd=70.0)[["dtd"]])])
    pd.testing.assert_series_equal(mean_z_scores(flat), mean_z_scores(long(ours)))


@pytest.mark.parametrize(
    "dataset, name",
    [
        ("cifar10", "CIFAR-10"),
        ("cifar10", "cifar_10_small"),
        ("cifar100", "cifar-100"),
        ("aircraft", "FGVC-Aircraft"),
        ("aircraft", "fgvc-aircraft-2013b"),
        ("cars", "StanfordCars"),
        ("caltech101", "caltech-101"),
        ("dtd", "describable-textures"),
        ("flowers", "Flowers102"),
        ("flowers", "oxford-flowers-102"),
        ("food", "food101"),
        ("pets", "OxfordIIITPet"),
        ("pets", "oxford-iiit-pets"),
        ("sun397", "SUN-397"),
        ("voc2007", "pascal-voc-2007"),
        ("voc2007", "VOC07"),
    ],
)
def test_the_target_is_left_out_under_its_usual_names(dataset, name):
    table = pd.DataFrame({"dataset": [*PAPER["datasets"], "sun397"]})
    assert set(table["dataset"]) - set(left_out(table, name)["dataset"]) == {dataset}


@pytest.mark.parametrize("name", ["photos", "oscars", "petstore", "cifar", "foods", "sunny", "mnist"])
def test_other_names_leave_nothing_out(name):
    table = pd.DataFrame({"dataset": [*PAPER["datasets"], "sun397"]})
    assert len(left_out(table, name)) == 11


def test_the_target_is_left_out_under_a_name_of_the_users_and_by_its_images():
    table = pd.DataFrame({"dataset": ["my_leaves", "photos", "pets"], "images": ["a", "b", "b"]})
    assert left_out(table, "My leaves")["dataset"].tolist() == ["photos", "pets"]
    assert left_out(table, "new", images="b")["dataset"].tolist() == ["my_leaves"]
    assert len(left_out(table, "new")) == 3


def test_no_accuracy_of_the_target_changes_its_prior(tll):
    """Any numbers on the target, in any spelling of its name: the prior stays the same."""
    random = np.random.default_rng(0)
    wrong = tll.assign(cifar10=random.uniform(0, 100, size=len(tll)))
    one = prior(tll.index, "CIFAR-10", accuracies=long(wrong))
    pd.testing.assert_frame_equal(one, prior(tll.index, "cifar10", accuracies=long(tll)))


@pytest.mark.parametrize(
    "names, key",
    [
        (("timm:resnet50.a1_in1k", "timm/resnet50.a1_in1k", "timm:resnet50"), "timm-resnet50.a1-in1k"),
        (("torchvision:resnet50", "torchvision:resnet50@IMAGENET1K_V2", "timm:resnet50.tv2_in1k"),
         "torchvision-resnet50-imagenet1k-v2"),
        (("torchvision:resnet50@IMAGENET1K_V1", "timm:resnet50.tv_in1k"), "torchvision-resnet50-imagenet1k-v1"),
        (("torchvision:mnasnet1_0",), "torchvision-mnasnet1-0-imagenet1k-v1"),
    ],
)  # fmt: skip
def test_one_key_for_all_names_of_the_same_weights(names, key):
    for name in names:
        assert weights_key(name) == weights_key(slug(name.replace(":", "-"))) == key, name


def test_variants_have_the_weights_of_their_checkpoint_and_others_do_not():
    shared = catalogue("checkpoints")
    assert weights_key("simclr-v1-as-trained") == "simclr-v1" and weights_key("swav") == "swav"
    assert weights_key("pcl-v2") == "pcl-v2" and weights_key("dino-vit-b16") == "dino-vit-b16"
    tiny = [name for name, entry in shared.items() if entry["zoo"] == "tiny"]
    assert len({weights_key(name) for name in tiny}) == 12 and not has_prior({name: None for name in tiny}, "dtd")


@pytest.mark.parametrize(
    "name", ["mine", "resnet50", "timm:resnet50@random", "torchvision:resnet50@random", "hub:a/b:c"]
)
def test_nothing_is_claimed_of_unknown_weights(name):
    assert imagenet_accuracy(name) is None
    assert prior([name, "byol"], "pets").loc[name].isna().all()


def test_names_of_the_command_line_with_their_entries(tmp_path):
    """A file of weights has an architecture that everybody knows, and weights that nobody knows."""
    (tmp_path / "resnet50.pth").write_bytes(b"\x80")
    words = ["torchvision:resnet50@IMAGENET1K_V1", "mine=torchvision:resnet18", f"{tmp_path}/resnet50.pth=resnet50"]
    entries = checkpoint_entries([*words, "torchvision:resnet34@random", "byol"])
    found = prior(entries, "pets")
    assert found["imagenet"].tolist() == pytest.approx([76.13, 69.758, np.nan, np.nan, 74.4], nan_ok=True)
    assert found["prior"].notna().tolist() == [True, True, False, False, True]
    assert has_prior(entries, "pets") == has_imagenet(entries) == set(found.index[found["prior"].notna()])


def test_a_prior_without_imagenet_accuracy():
    found = prior(["dino-vit-b16", "mae-vit-b16"], "pets")
    assert found["imagenet"].isna().all() and found["prior"].notna().all()
    assert has_prior(dict.fromkeys(found.index), "pets") == set(found.index)


def test_where_only_imagenet_accuracy_is_known_it_gives_the_order():
    names = ["timm:convnext_base.fb_in1k", "timm:convnext_tiny.fb_in1k", "timm:regnety_002.pycls_in1k"]
    found = prior(names, "pets")
    assert found["prior"].is_monotonic_decreasing and found["imagenet"].is_monotonic_decreasing
    few = prior(names, "pets", accuracies=long(pd.DataFrame({"dtd": [1.0, 2.0]}, index=["x", "y"])))["prior"]
    assert few.tolist() == pytest.approx(zscore(found["imagenet"]).tolist())
    same = prior(["byol"], "pets", accuracies=long(pd.DataFrame({"dtd": [1.0, 2.0]}, index=["x", "y"])))
    assert same["prior"].tolist() == [0.0]


def test_the_line_from_imagenet_accuracy_helps_where_accuracies_are_missing():
    """Half the accuracies of SFDA's checkpoints are hidden: the line ranks better than no knowledge of that half."""
    everything = pd.read_csv(PUBLISHED / "accuracy-supervised.csv").query("study == 'sfda-cnn'")
    everything = everything.assign(checkpoint=everything["checkpoint"].map(V1.format))
    ssl = pd.read_csv(PUBLISHED / "accuracy.csv").query("regime == 'full'")
    table = pd.concat([everything, ssl])[["dataset", "checkpoint", "accuracy"]].assign(laboratory="sfda")
    wide = table.pivot(index="checkpoint", columns="dataset", values="accuracy")
    random, taus = np.random.default_rng(0), {"line": [], "none": []}
    for _ in range(5):
        hidden = random.choice(wide.index, size=len(wide) // 2, replace=False)
        known = table[~table["checkpoint"].isin(hidden)]
        for dataset in wide:
            line = prior(wide.index, dataset, accuracies=known)["prior"]
            none = line.where(~line.index.isin(hidden), line[~line.index.isin(hidden)].mean())
            taus["line"].append(weightedtau(line, wide[dataset])[0])
            taus["none"].append(weightedtau(none, wide[dataset])[0])
    assert np.mean(taus["line"]) > np.mean(taus["none"]) + 0.05


@pytest.fixture(scope="module")
def paper():
    """Scores and summary of the paper's study: its published accuracies, both rows, and a metric that knows nothing."""
    names = dict.fromkeys(PAPER["checkpoints"])
    truth = pd.read_csv(PUBLISHED / "accuracy.csv").query("regime == 'full'")
    truth = truth[truth["dataset"].isin(PAPER["datasets"])].drop(columns="regime").assign(sd=np.nan, seeds=np.nan)
    noise = truth.assign(rank_score=np.random.default_rng(0).normal(size=len(truth)), metric="logme", refinement="none")
    rows = prior_rows(names, PAPER["datasets"])
    known = pd.concat([prior_scores(names, dataset, rows) for dataset in PAPER["datasets"]])
    scores = pd.concat([noise.assign(score=noise["rank_score"]), known])
    return scores, truth, summarise(scores, truth)


def test_the_rows_of_the_papers_study(paper):
    _, truth, summary = paper
    assert Plan(PAPER).prior_rows == ["imagenet-accuracy", "prior"]
    tau = summary.set_index(["metric", "dataset"])["tau_w"]
    assert tau["imagenet-accuracy", "mean"] == pytest.approx(0.572, abs=5e-4)
    assert tau["imagenet-accuracy", "dtd"] == pytest.approx(0.802, abs=5e-4)
    assert tau["imagenet-accuracy", "aircraft"] == pytest.approx(0.341, abs=5e-4)
    assert tau["static-ranker", "mean"] == pytest.approx(0.675, abs=5e-4)
    wide = truth.pivot(index="checkpoint", columns="dataset", values="accuracy")
    linear = [catalogue("checkpoints")[name]["linear"] for name in wide.index]
    for dataset in wide:
        assert tau["imagenet-accuracy", dataset] == pytest.approx(weightedtau(linear, wide[dataset])[0], abs=1e-12)


def test_the_prior_gives_no_recommendation_and_the_report_says_that_imagenet_accuracy_is_better(paper):
    scores, truth, summary = paper
    assert set(verdicts(summary, scores, truth)["metric"]) == {"imagenet-accuracy"}
    said = " ".join(caveats(summary, scores, truth, []))
    for name in ("the static ranker (0.67", "ImageNet accuracy (0.57", "the prior (0.66"):
        assert f"No method has a higher mean τ_w than {name}" in said


def test_published_accuracies_do_not_choose_lambda_by_consensus(paper):
    """Scores that agree with the prior only, and scores that agree with the metric on raw features."""
    scores, truth, _ = paper
    known, raw = scores[scores["metric"].isin(WITHOUT_FEATURES)], scores[scores["metric"] == "logme"]
    like_prior = known[known["metric"] == "prior"].assign(metric="logme", refinement="ped-0.3")
    like_raw = raw.assign(refinement="ped-0.6")
    summary = summarise(pd.concat([scores, like_prior, like_raw]), truth)
    chosen = summary[(summary["refinement"] == "ped-consensus") & (summary["dataset"] != "mean")]["chosen"]
    assert set(chosen) == {"ped-0.6"}


def test_the_quickstart_has_no_rows():
    quick = yaml.safe_load((ROOT / "studies/quickstart.yaml").read_text(encoding="utf-8"))
    names = dict.fromkeys(quick["checkpoints"])
    assert prior_rows(names, quick["datasets"]) == []
    assert unknown(names, quick["datasets"]) == {"imagenet-accuracy": list(names), "prior": list(names)}


def test_a_name_of_the_users_own_says_nothing_about_its_weights():
    own = {"byol": {"zoo": "features"}, "swav": {"zoo": "own", "architecture": "resnet50", "weights": "swav.pth"}}
    assert prior(own, "pictures").isna().all(axis=None)
    assert set(prior_sources(own, "pictures").values()) == {""}


def test_a_prior_has_a_source_exactly_where_it_is_known():
    names = dict.fromkeys(["byol", "timm:resnet18", "torchvision:resnet50@IMAGENET1K_V1", "byol-tiny", "mine"])
    sources = prior_sources(names, "pets")
    known = prior(names, "pets")["prior"].notna()
    assert {name: bool(source) for name, source in sources.items()} == known.to_dict()
    assert sources["timm:resnet18"] == "ImageNet accuracy"
    count = len({row["dataset"] for row in finetuned_accuracies() if row["checkpoint"] == "byol"} - {"pets"})
    assert sources["byol"] == f"{count} other datasets"
