import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from golden import clusters

from pedrank import ReferenceStatistics, metric_names, refine, score
from pedrank.ablation.sweep import sweep
from pedrank.metrics import evaluate, get_metric, metric, registered
from pedrank.observation.observation import observe
from pedrank.observation.statistics import ClassStatistics
from pedrank.refinements import move, refinement
from pedrank.refinements.ped import simulate
from pedrank.refinements.spread_attract import attract
from pedrank.study.plugins import load_plugin
from pedrank.utils.errors import InputError
from pedrank.utils.memory import available_memory

PAPER = {"logme", "sfda", "gbc", "nleep", "parc"}


@pytest.fixture(autouse=True)
def own_metrics_are_forgotten():
    yield
    for name, found in list(registered.items()):
        if not found.function.__module__.startswith("pedrank.metrics."):
            del registered[name]


def test_every_metric_is_there_and_says_what_it_is():
    assert {*PAPER, "h_score", "transrate", "knn"} <= set(metric_names())
    for name in metric_names():
        found = get_metric(name)
        assert found.name == name
        assert found.needs in ("features", "statistics")
        assert found.memory(8189, 2048, 102) > 0
        text = found.function.__doc__
        assert "Weak" in text and "O(" in text, name
        assert "et al" in text or name == "feature_norm", name


def test_every_built_in_metric_has_a_title_and_a_paper():
    found = [get_metric(name) for name in metric_names()]
    assert all(each.title and each.paper for each in found)
    titles = {each.name: each.title for each in found}
    assert len(set(titles.values())) == len(titles)
    assert titles | {"logme": "LogME", "h_score": "H-score", "knn": "k-NN", "pactran": "PACTran"} == titles


def test_a_title_is_the_functions_name_unless_given():
    @metric(needs="statistics")
    def plain(observation):
        return 0.0

    @metric(title="My metric", paper="Me 2026, Mine, Journal")
    def titled(observation):
        return 0.0

    assert (get_metric("plain").title, get_metric("plain").paper) == ("plain", "")
    assert (get_metric("titled").title, get_metric("titled").paper) == ("My metric", "Me 2026, Mine, Journal")


def test_the_paper_study_fits_a_workstation():
    largest = max(get_metric(name).memory(101_000, 2048, 101) for name in PAPER)
    assert largest < 4.5e9


def test_statistics_suffice_where_a_metric_says_so():
    features, labels = clusters(100, 6, 3)
    for name in metric_names():
        if get_metric(name).needs == "statistics":
            observation = observe(features, labels)
            observation.within_scatter()
            object.__setattr__(observation, "features", None)
            assert evaluate(name, observation).score == score(name, features, labels)


def test_unknown_metrics_and_scores_that_are_no_number():
    features, labels = clusters(50, 4, 3)
    with pytest.raises(InputError, match="unknown metric 'logmee'; choose from .*logme"):
        score("logmee", features, labels)

    @metric()
    def broken(observation):
        return np.nan

    with pytest.raises(InputError, match="broken: the score is nan"):
        score("broken", features, labels)


def test_a_metric_too_large_for_the_machine_is_refused(monkeypatch):
    features, labels = clusters(50, 4, 3)
    monkeypatch.setattr("pedrank.utils.memory.available_memory", lambda: 100)
    with pytest.raises(InputError, match="knn: 50 samples x 4 features, 3 classes need 0.1 GB, but 0.0 GB are free"):
        score("knn", features, labels)
    monkeypatch.setattr("pedrank.utils.memory.available_memory", lambda: None)
    score("knn", features, labels)


def test_available_memory_is_what_the_system_says():
    available = available_memory()
    assert available is None or 2**20 < available < 2**50


def test_a_users_own_metric_from_a_file(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "from pedrank.metrics import metric\n@metric()\ndef mine(observation, factor=1):\n"
        "    return factor * observation.n\n"
    )
    features, labels = clusters(50, 4, 3)
    load_plugin(file)
    assert "mine" in metric_names()
    assert score("mine", features, labels, factor=2) == 100
    with pytest.raises(InputError, match="no such Python file"):
        load_plugin(tmp_path / "none.py")
    (tmp_path / "empty.py").write_text("x = 1\n")
    with pytest.raises(InputError, match="registers no metric and no refinement"):
        load_plugin(tmp_path / "empty.py")


def test_a_file_that_fails_is_named(tmp_path):
    (tmp_path / "bad.py").write_text("1 / 0\n")
    with pytest.raises(InputError, match="bad.py: fails with ZeroDivisionError"):
        load_plugin(tmp_path / "bad.py")


def test_refinements_are_found_by_name():
    features, labels = clusters(60, 5, 3)
    statistics = ClassStatistics.from_features(features, labels)
    reference = ReferenceStatistics.from_features(features)
    np.testing.assert_array_equal(
        move(statistics, reference, "ped", lam=0.9).displacement, simulate(statistics, reference, lam=0.9).displacement
    )
    np.testing.assert_array_equal(
        move(statistics, reference, by="sa", sigma=0.9).displacement, attract(statistics, sigma=0.9).displacement
    )

    @refinement
    def doubled(statistics, reference, factor=1.0):
        return factor * statistics.means

    moved = move(statistics, reference, "doubled", factor=2.0)
    np.testing.assert_allclose(
        moved.apply(features, labels)[0], features[0] + 2 * statistics.means[labels[0]], rtol=1e-5
    )
    assert moved.options == {"factor": 2.0}

    @refinement
    def short(statistics, reference):
        return statistics.means[:1]

    with pytest.raises(InputError, match="'short': must return a displacement"):
        move(statistics, reference, "short")
    with pytest.raises(InputError, match="unknown refinement 'nothing'"):
        move(statistics, reference, "nothing")


def test_a_sweep_scores_every_setting():
    features, labels = clusters(200, 12, 5)
    reference = ReferenceStatistics.from_features(features)
    settings = [{}, {"lam": 0.3}, {"lam": 0.9, "dt": 0.5, "mode": "paper"}]
    for name in ("logme", "gbc", "sfda"):
        found = sweep(observe(features, labels), reference, settings, name)
        for setting, value in zip(settings, found, strict=True):
            refinement = refine(features, labels, reference, **setting) if setting else None
            single = evaluate(name, observe(features, labels, refinement)).rank_score
            assert value == pytest.approx(single, rel=1e-9)


def test_a_refinement_of_other_classes_is_refused():
    features, labels = clusters(100, 6, 4)
    refinement = refine(features, labels, ReferenceStatistics.from_features(features))
    with pytest.raises(InputError, match="the displacement has shape"):
        score("gbc", features, np.minimum(labels, 2), refinement=refinement)


def test_importing_the_package_is_light():
    code = (
        "import sys, time; start = time.perf_counter(); import pedrank; seconds = time.perf_counter() - start;"
        "heavy = {'torch', 'pandas', 'sklearn', 'scipy', 'matplotlib', 'snakemake'} & set(sys.modules);"
        "assert not heavy, heavy; print(seconds)"
    )
    root = Path(__file__).parent.parent
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root)
    assert run.returncode == 0, run.stderr


def test_scoring_with_the_papers_metrics_imports_no_library_but_numpy():
    code = (
        "import sys; import numpy as np; from pedrank import score;"
        "x = np.random.default_rng(0).normal(size=(60, 8)); y = np.arange(60) % 3;"
        f"[score(name, x, y) for name in {sorted(PAPER)}];"
        "heavy = {'torch', 'pandas', 'sklearn', 'scipy'} & set(sys.modules); assert not heavy, heavy"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parent.parent)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("value", ["0.6", -0.1, float("nan"), None])
def test_an_option_that_is_no_number_is_refused_in_one_line(value):
    features, labels = clusters(60, 5, 3)
    statistics, reference = ClassStatistics.from_features(features, labels), ReferenceStatistics.from_features(features)
    for by, option in (("ped", "lam"), ("sa", "sigma")):
        with pytest.raises(InputError, match=f"{option} must be finite and not negative, not {value!r}"):
            move(statistics, reference, by, **{option: value})
