"""The figures: they show what the tables they are drawn from hold, legibly, and come out the same each time."""

import warnings
from functools import cache
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from scipy.stats import chi2, friedmanchisquare, linregress
from scipy.stats import t as student

from pedrank.evaluation.names import CONSENSUS, ORACLE
from pedrank.evaluation.summary import summarise
from pedrank.observation.statistics import ClassStatistics, ReferenceStatistics
from pedrank.refinements.ped import simulate
from pedrank.report.figures import (
    agreement,
    cost,
    critical_difference,
    figure4,
    figure5,
    figure6,
    figure7,
    motion,
    scatter,
)
from pedrank.report.figures.curves import vary
from pedrank.report.figures.style import CLASS_COLOURS, COLOURS, save_figure
from pedrank.store.artefacts import write_csv
from pedrank.utils.errors import InputError

DATASETS = ["mnist", "digits", "fashion-mnist"]
METHODS = ["barlow-twins", "byol", "deepcluster", "dino", "insdis", "moco", "nnclr", "pcl", "simclr", "swav"]
CHECKPOINTS = [f"{method}-tiny" for method in METHODS]
FIXED = {"lam": 0.6, "dt": 0.1, "max_steps": 6, "exit_ratio": 0.5}
VARIED = {"lam": [0.2, 0.6, 1.0], "dt": [0.05, 0.1, 0.3], "max_steps": [1, 6, 10], "exit_ratio": [0.1, 0.5, 0.9]}
REFINED = "+PED, \N{GREEK SMALL LETTER LAMDA} = 0.6"


def ablation():
    settings = [FIXED, *(FIXED | {name: value} for name, values in VARIED.items() for value in values)]
    settings = list({tuple(each.values()): each for each in settings}.values())
    rows = [
        {"dataset": dataset, "metric": "logme", **each, "tau_w": 0.01 * i + 0.1 * k, "gain": 0.1 * k - 0.02 * i}
        for k, dataset in enumerate(DATASETS)
        for i, each in enumerate(settings)
    ]
    return pd.DataFrame(rows).sample(frac=1, random_state=0).sort_values("dataset", key=lambda s: s.map(DATASETS.index))


def forces():
    rows = [
        (dataset, checkpoint, lam, 0.1, step, (0.5 + 0.02 * i) ** step)
        for dataset in DATASETS
        for i, checkpoint in enumerate(CHECKPOINTS)
        for lam in (0.3, 0.6)
        for step in range(8)
    ]
    return pd.DataFrame(rows, columns=["dataset", "checkpoint", "lam", "dt", "step", "force_ratio"])


def ranking():
    """Scores and ground truth; on mnist the raw features rank as the accuracies do and the refined ones in reverse."""
    random = np.random.default_rng(0)
    rows = [(dataset, checkpoint) for dataset in DATASETS for checkpoint in CHECKPOINTS]
    truth = pd.DataFrame(rows, columns=["dataset", "checkpoint"]).assign(accuracy=90 + random.normal(size=len(rows)))
    before, after = truth["accuracy"].copy(), truth["accuracy"] + random.normal(size=len(rows))
    after[truth["dataset"] == "mnist"] = -before[truth["dataset"] == "mnist"]
    after[truth["dataset"] == "digits"] = 1.0
    named = [("none", before), ("ped-0.6", after)]
    scores = [truth.assign(metric="logme", refinement=name, rank_score=values) for name, values in named]
    return pd.concat(scores).drop(columns="accuracy"), truth


def embedding():
    random = np.random.default_rng(0)
    places = random.normal(size=(200, 4))
    table = pd.DataFrame(places, columns=["before_x", "before_y", "after_x", "after_y"])
    return table.assign(label=np.arange(200) % 10)


METRICS = ["nleep", "parc", "logme", "sfda", "gbc"]


@cache
def study():
    """Scores of five metrics with two refinements and of two baselines, ground truth, and what scoring cost."""
    random = np.random.default_rng(0)
    rows = [(dataset, checkpoint) for dataset in DATASETS for checkpoint in CHECKPOINTS]
    truth = pd.DataFrame(rows, columns=["dataset", "checkpoint"]).assign(accuracy=90 + random.normal(size=len(rows)))
    truth["sd"], truth["seeds"] = 0.3, 2
    methods = [(metric, refinement) for metric in METRICS for refinement in ("none", "ped-0.3", "ped-0.6")]
    methods += [("knn", "none"), ("rankme", "none")]
    scores = [
        truth[["dataset", "checkpoint"]].assign(
            metric=metric,
            refinement=refinement,
            rank_score=truth["accuracy"] + random.normal(size=len(rows)),
            seconds=0.001 * 3.0 ** METRICS.index(metric) if metric in METRICS else 0.01,
            refinement_seconds=np.nan if refinement == "none" else 0.5,
        )
        for metric, refinement in methods
    ]
    table = pd.concat(scores)
    return table, truth, summarise(table, truth)


def moving(classes=10, count=20):
    """Classes on a grid, close enough to repel each other, and the first rows of their images."""
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(classes), count)
    features = (random.normal(size=(classes, 6))[labels] + random.normal(size=(len(labels), 6))).astype(np.float32)
    statistics = ClassStatistics.from_features(features, labels)
    reference = ReferenceStatistics.from_features(features)
    options = {"lam": 0.6, "dt": 0.3, "k": 1.0, "max_steps": 6, "exit_ratio": 0.5, "mode": "as_released"}
    return features, labels, statistics, reference, options


def motion_table():
    features, labels, statistics, reference, options = moving()
    return motion.motion_data(features, labels, statistics.means, *motion.trajectory(statistics, reference, options))


def crowd(count=30):
    """Ranks of many checkpoints with long names on three datasets."""
    order = np.random.default_rng(0).permutation(count) + 1.0
    names = [f"barlow-twins-e{i}" for i in range(count)]
    one = pd.DataFrame(
        {"checkpoint": names, "accuracy": 99.0 - np.arange(count), "before": order, "after": order[::-1]}
    )
    one = one.assign(score_before=-one["before"], score_after=-one["after"])
    return pd.concat([one.assign(dataset=dataset) for dataset in DATASETS])


def many_costs():
    """Costs of 22 metrics on raw features and after two refinements."""
    table = cost.cost_data(study()[2], study()[0])
    raw = table[(table["metric"] == "logme") & (table["refinement"] == "none")]
    each = [
        raw.assign(metric=f"metric_{i}", refinement=name, seconds=0.01 * 1.3**i)
        for i in range(22)
        for name in ("none", "ped-0.3", "ped-0.6")
    ]
    return pd.concat([table[table["metric"].isin(["random", "static-ranker"])], *each])


NAMES = [f"class number {i}" for i in range(10)]
DRAW = {
    4: lambda: figure4.draw_figure4(figure4.figure4_data(ablation(), FIXED), FIXED),
    5: lambda: figure5.draw_figure5(figure5.figure5_data(forces(), ablation(), FIXED), FIXED),
    6: lambda: figure6.draw_figure6(embedding(), NAMES, REFINED, "byol-tiny on mnist"),
    7: lambda: figure7.draw_figure7(figure7.figure7_data(*ranking(), "logme", "ped-0.6", DATASETS), "logme", "ped-0.6"),
    "7, 30 checkpoints": lambda: figure7.draw_figure7(crowd(), "logme", "ped-0.6"),
    "cost of 66 methods": lambda: cost.draw_cost(many_costs(), 3),
    "scatter": lambda: scatter.draw_scatter(scatter.scatter_data(*study()[:2], "digits"), "digits"),
    "agreement": lambda: agreement.draw_agreement(agreement.agreement_data(*study()[:2]), 3),
    "cost": lambda: cost.draw_cost(cost.cost_data(study()[2], study()[0]), 3),
    "critical difference": lambda: critical_difference.draw_critical_difference(
        critical_difference.critical_difference_data(study()[2])
    ),
    "critical difference, significant": lambda: critical_difference.draw_critical_difference(
        critical_difference.critical_difference_data(study()[2]).assign(friedman_p=0.01)
    ),
    "motion": lambda: motion.draw_motion(motion_table(), NAMES, 3, "byol-tiny on mnist, ped-0.6"),
}


@pytest.mark.parametrize("number", DRAW)
def test_same_figure_same_bytes(number, tmp_path):
    files = []
    for run in ("first", "second"):
        paths = [tmp_path / f"{run}.{suffix}" for suffix in ("pdf", "png")]
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a missing glyph, a layout that did not fit
            save_figure(DRAW[number](), *paths)
        files.append([path.read_bytes() for path in paths])
    assert files[0] == files[1]
    pdf = files[0][0]
    assert b"/FontFile2" in pdf  # TrueType: the text stays text
    assert b"Date" not in pdf
    assert b"Software" not in files[0][1]
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize("number", DRAW)
def test_no_text_overlaps_or_leaves_the_page(number, monkeypatch):
    drawn, draw = set(), Text.draw

    def note(self, renderer, *arguments, **options):
        drawn.add(self)
        draw(self, renderer, *arguments, **options)

    figure = DRAW[number]()
    canvas = FigureCanvasAgg(figure)
    monkeypatch.setattr(Text, "draw", note)
    canvas.draw()
    shown = [item for item in drawn if item.get_text().strip() and item.get_visible()]
    boxes = {item: item.get_window_extent(canvas.get_renderer()) for item in shown}
    assert len(boxes) > 8
    for item, box in boxes.items():
        assert figure.bbox.x0 - 1 <= box.x0 and box.x1 <= figure.bbox.x1 + 1, item
        assert figure.bbox.y0 - 1 <= box.y0 and box.y1 <= figure.bbox.y1 + 1, item
    for (one, box), (other, second) in combinations(boxes.items(), 2):
        assert not box.overlaps(second), (one, other)


def lines(axes):
    """Data of the lines that stand for datasets, by label."""
    return {line.get_label(): line.get_xydata() for line in axes.get_lines() if line.get_label() in DATASETS}


def test_figure4_varies_one_setting_at_a_time():
    table = ablation()
    for axes, setting in zip(DRAW[4]().axes, ("lam", "dt"), strict=True):
        assert list(lines(axes)) == DATASETS
        for dataset, line in lines(axes).items():
            rows = vary(table[table["dataset"] == dataset], setting, FIXED)
            assert list(line[:, 0]) == VARIED[setting]
            np.testing.assert_array_equal(line[:, 1], rows["gain"])


def test_figure5_shows_the_mean_and_the_span_of_the_force():
    left, middle, right = DRAW[5]().axes
    ratios = forces().query("lam == 0.6 and dataset == 'digits'").groupby("step")["force_ratio"]
    np.testing.assert_allclose(lines(left)["digits"], np.column_stack([range(8), ratios.mean()]))
    band = left.collections[DATASETS.index("digits")].get_paths()[0].vertices
    assert band[:, 1].min() == ratios.min().min()
    assert list(lines(middle)["digits"][:, 0]) == VARIED["exit_ratio"]
    assert list(lines(right)["digits"][:, 0]) == VARIED["max_steps"]


def test_an_undefined_tau_leaves_a_gap():
    table = ablation()
    table.loc[(table["dataset"] == "digits") & (table["lam"] == 1.0), "gain"] = np.nan
    line = lines(figure4.draw_figure4(figure4.figure4_data(table, FIXED), FIXED).axes[0])["digits"]
    assert list(np.isnan(line[:, 1])) == [False, False, True]


def test_a_setting_that_was_not_run_is_named():
    with pytest.raises(InputError, match="dt = 0.7"):
        figure4.figure4_data(ablation(), FIXED | {"dt": 0.7})


def test_ranks():
    table = figure7.ranks(*ranking(), "logme", "ped-0.6", "mnist")
    assert list(table["accuracy"]) == sorted(table["accuracy"], reverse=True)
    assert list(table["before"]) == list(range(1, 11))
    assert list(table["after"]) == list(range(10, 0, -1))
    assert set(figure7.ranks(*ranking(), "logme", "ped-0.6", "digits")["after"]) == {5.5}  # all tie: the mean rank


def test_figure7_prints_tau_and_no_number_where_it_is_undefined():
    titles = [axes.get_title() for axes in DRAW[7]().axes]
    assert titles[0] == r"mnist: $\tau_w$ = 1.000 → −1.000"
    assert titles[1] == r"digits: $\tau_w$ = 1.000 → –"


def test_figure7_wants_every_score():
    scores, truth = ranking()
    with pytest.raises(InputError, match="mnist.*'byol-tiny'"):
        figure7.figure7_data(scores.query("checkpoint != 'byol-tiny'"), truth, "logme", "ped-0.6", DATASETS)


@pytest.mark.parametrize("count", [1, 4, 10])
def test_figure7_has_a_panel_for_each_dataset(count):
    table = figure7.figure7_data(*ranking(), "logme", "ped-0.6", ["mnist"])
    many = pd.concat([table.assign(dataset=f"dataset {i}") for i in range(count)])
    figure = figure7.draw_figure7(many, "logme", "ped-0.6")
    assert sum(axes.axison for axes in figure.axes) == count


def blobs():
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 20)
    return (random.normal(size=(3, 5))[labels] + random.normal(size=(60, 5))).astype(np.float32), labels


def test_embedding_of_the_same_features_is_the_same_map():
    features, labels = blobs()
    features.flags.writeable = False
    table = figure6.embed(features, features, labels, seed=0)
    np.testing.assert_array_equal(table[["before_x", "before_y"]], table[["after_x", "after_y"]])
    np.testing.assert_array_equal(table["label"], labels)
    assert np.isfinite(table.to_numpy()).all()


def test_embedding_pulls_classes_apart_that_were_pulled_apart():
    features, labels = blobs()
    moved = features + 10 * np.eye(5, dtype=np.float32)[labels]
    table = figure6.embed(features, moved, labels, seed=0)

    def purity(state):
        places = table[[f"{state}_x", f"{state}_y"]].to_numpy()
        distance = np.linalg.norm(places[:, None] - places, axis=2) + np.diag([np.inf] * len(places))
        return np.mean(labels[distance.argmin(axis=1)] == labels)

    assert purity("before") < purity("after") == 1


def test_chosen_rows_are_few_of_each_of_few_classes():
    labels = np.random.default_rng(0).integers(30, size=5000)
    rows = figure6.choose_rows(labels, seed=0)
    np.testing.assert_array_equal(np.unique(labels[rows], return_counts=True), [range(10), [50] * 10])
    assert (np.diff(rows) > 0).all()
    np.testing.assert_array_equal(rows, figure6.choose_rows(labels, seed=0))
    np.testing.assert_array_equal(figure6.choose_rows(np.array([2, 1, 2]), seed=0), [0, 1, 2])


def test_scatter_has_a_panel_for_each_method():
    figure = DRAW["scatter"]()
    titles = [axes.get_title().split("\n")[0] for axes in figure.axes if axes.axison]
    assert titles[:5] == ["NLEEP", "PARC", "LogME", "SFDA", "GBC"]
    assert titles[5] == "NLEEP+PED, \N{GREEK SMALL LETTER LAMDA} = 0.3"
    assert titles[-2:] == ["k-NN", "RankMe"]
    points = scatter.scatter_data(*study()[:2], "digits").query("metric == 'parc' and refinement == 'none'")
    drawn = [line.get_ydata()[0] for line in figure.axes[1].get_lines() if line.get_label() in CHECKPOINTS]
    np.testing.assert_array_equal(drawn, points["accuracy"])


def test_a_constant_score_has_no_line():
    table = scatter.scatter_data(*study()[:2], "digits").query("metric == 'parc'")
    table.loc[table["refinement"] == "none", "rank_score"] = 1.0
    figure = scatter.draw_scatter(table, "digits")
    assert len(figure.axes[0].collections) < len(figure.axes[1].collections)
    assert figure.axes[0].get_title().endswith("= –")


def test_regression_band_is_the_textbooks():
    """Against scipy's line and the standard error of its intercept, which is the band's half-width at zero."""
    x, y = np.random.default_rng(0).normal(size=(2, 9))
    found = linregress(x, y)
    line, half_width = scatter.regression(x, y, np.array([0.0, 1.0]))
    np.testing.assert_allclose(line, [found.intercept, found.intercept + found.slope])
    assert half_width[0] == pytest.approx(found.intercept_stderr * student.ppf(0.975, 7))
    assert np.isnan(scatter.regression(x[:2], y[:2], x[:2])[1]).all()


def test_critical_difference_is_the_published_one():
    """Demsar (2006): four classifiers on 14 datasets, q = 2.569, CD = 1.25 (section 3.2.2 and Table 5)."""
    assert critical_difference.nemenyi(4, 14) == pytest.approx(1.25, abs=0.005)


def test_friedman_is_scipys_on_the_taus():
    """The p-value from the mean ranks by Demsar's formula, and scipy's own from the values of tau_w."""
    table = critical_difference.critical_difference_data(study()[2])
    summary = study()[2]
    keep = summary["dataset"].isin(DATASETS) & ~summary["refinement"].isin([ORACLE, CONSENSUS])
    wide = summary[keep & (summary["metric"] != "random")].pivot(
        index=["metric", "refinement"], columns="dataset", values="tau_w"
    )
    assert wide.shape == (len(table), 3) and np.isfinite(wide.to_numpy()).all()
    expected = friedmanchisquare(*wide.to_numpy()).pvalue
    assert table["friedman_p"].to_numpy() == pytest.approx(np.full(len(table), expected))
    k, n, ranks = len(table), 3, table["mean_rank"]
    by_hand = 12 * n / (k * (k + 1)) * ((ranks**2).sum() - k * (k + 1) ** 2 / 4)
    assert expected == pytest.approx(chi2.sf(by_hand, k - 1))


@pytest.mark.parametrize("ranks", [np.ones((2, 5)), np.arange(6.0).reshape(6, 1), np.full((4, 3), 2.5)])
def test_friedman_is_undefined(ranks):
    """Two methods, one dataset, or nothing but ties."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(critical_difference.friedman(ranks))


def drawn_bars(p):
    """Title of the diagram, and ends of its bars below the line, where Friedman's test gives `p`."""
    table = pd.DataFrame({"metric": list("abcdef"), "refinement": "none", "mean_rank": [1.0, 2, 3, 4, 5, 6]})
    axes = critical_difference.draw_critical_difference(
        table.assign(critical_difference=1.5, datasets=10, friedman_p=p)
    ).axes[0]
    bars = [line for line in axes.get_lines() if line.get_linewidth() == 2.5]
    below = [tuple(line.get_xdata().round().astype(int)) for line in bars if line.get_ydata()[0] > 0]
    return axes.get_title(), below, len(bars) - len(below)


def test_nothing_differs_where_friedman_finds_no_difference():
    title, bars, ruler = drawn_bars(0.05)
    assert "Friedman's test finds no difference between the methods (p = 0.050)" in title
    assert bars == [(1, 6)] and ruler == 0


@pytest.mark.parametrize("p", [0.049, np.nan])
def test_nemenyi_follows_where_friedman_finds_one(p):
    title, bars, ruler = drawn_bars(p)
    assert "Friedman" not in title
    assert bars == [(1, 2), (2, 3), (3, 4), (4, 5), (5, 6)] and ruler == 1


def test_an_undefined_friedman_p_is_an_empty_cell(tmp_path):
    summary = study()[2].query("dataset == 'digits'")
    write_csv(tmp_path / "numbers.csv", critical_difference.critical_difference_data(summary))
    head, first = (tmp_path / "numbers.csv").read_text().splitlines()[:2]
    assert head.endswith("datasets,friedman_p") and first.endswith(",1,")


def test_cliques():
    ranks = np.array([1.0, 2.0, 2.9, 6.0, 6.5])
    assert critical_difference.cliques(ranks, 1.0) == [(0, 1), (1, 2), (3, 4)]
    assert critical_difference.cliques(ranks, 9.0) == [(0, 4)]
    assert critical_difference.cliques(ranks, 0.1) == []


def test_mean_ranks():
    summary = study()[2]
    table = critical_difference.critical_difference_data(summary)
    assert len(table) == 5 * 3 + 2 + 1  # the static ranker competes; oracle, consensus and chance do not
    assert table["mean_rank"].is_monotonic_increasing
    assert table["mean_rank"].sum() == pytest.approx(18 * 19 / 2)


def test_agreement():
    scores, truth, summary = study()
    table = agreement.agreement_data(scores, truth)
    assert np.diag(table) == pytest.approx(1)
    np.testing.assert_allclose(table, table.T, atol=1e-12)
    taus = summary[summary["dataset"] == "mean"].set_index(["metric", "refinement"])["tau_w"]
    assert table.loc["accuracy", "LogME"] == pytest.approx(taus["logme", "none"])


def test_a_large_study_shows_the_raw_features_agreement_alone():
    scores, truth, _ = study()
    many = pd.concat([scores, scores.assign(metric=scores["metric"] + "2")])
    assert len(agreement.agreement_data(many, truth)) == 1 + 2 * 7


def test_cost_includes_the_refinement():
    scores, _, summary = study()
    table = cost.cost_data(summary, scores).set_index(["metric", "refinement"])
    assert table.loc[("parc", "none"), "seconds"] == pytest.approx(0.003)
    assert table.loc[("parc", "ped-0.3"), "seconds"] == pytest.approx(0.503)
    assert np.isnan(table.loc[("static-ranker", "none"), "seconds"])
    assert ("parc", "ped-oracle") not in table.index


def test_of_too_many_methods_the_raw_ones_are_drawn_and_the_title_says_so():
    figure = cost.draw_cost(many_costs(), 3)
    labels = [item.get_text() for item in figure.legends[0].get_texts()]
    assert len(labels) == 22 + 2 and not any("PED" in label for label in labels)
    (axes,) = figure.axes
    assert "raw features" in axes.get_title()
    looks = {(line.get_color(), line.get_marker()) for line in axes.get_lines() if line.get_marker() != "None"}
    assert len(looks) == 22


def test_motion_ends_where_ped_does():
    features, labels, statistics, reference, options = moving()
    moved, energy = motion.trajectory(statistics, reference, options)
    whole = simulate(statistics, reference, **(options | {"exit_ratio": 0.0}))
    np.testing.assert_array_equal(moved[-1], whole.displacement)
    assert energy[0] == 1 and (np.diff(energy) < 0).all()
    table = motion_table()
    assert list(np.unique(table.loc[table["what"] == "centre", "step"])) == list(range(7))
    titles = [axes.get_title() for axes in DRAW["motion"]().axes if axes.axison]
    assert len(titles) == 7
    assert titles[0] == "raw features, energy 100%"
    assert "not taken" not in titles[3] and "not taken" in titles[4]


def test_motion_of_two_classes_that_do_not_touch():
    statistics = ClassStatistics(np.array([9, 9]), np.array([[0.0, 0], [9, 9]]), np.full((2, 2), 1e-6))
    options = moving()[-1] | {"max_steps": 2}
    moved, energy = motion.trajectory(statistics, ReferenceStatistics(np.zeros(2), np.ones(2)), options)
    assert not moved.any()
    table = motion.motion_data(statistics.means, np.arange(2), statistics.means, moved, energy)
    motion.draw_motion(table, ["a", "b"], 0, "still")


@pytest.mark.parametrize("colours", [COLOURS, CLASS_COLOURS])
def test_colours_stay_apart_without_red_or_green(colours):
    """Distances in linear RGB after Viénot et al.'s (1999) projections for protanopia and deuteranopia."""
    codes = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in colours]) / 255
    linear = codes**2.2
    to_lms = np.array([[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]])
    protan = np.array([[0, 2.02344, -2.52581], [0, 1, 0], [0, 0, 1]])
    deutan = np.array([[1, 0, 0], [0.494207, 0, 1.24827], [0, 0, 1]])
    for seen in (np.eye(3), protan, deutan):
        rgb = np.clip(linear @ to_lms.T @ seen.T @ np.linalg.inv(to_lms).T, 0, 1) ** (1 / 2.2)
        apart = [np.linalg.norm(one - other) for one, other in combinations(rgb, 2)]
        assert min(apart) > 0.08
