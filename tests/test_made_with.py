"""Results know what made them: a copy without Snakemake's records must fit, and is never mixed with other results."""

import json

import pytest
import yaml

from pedrank.store.artefacts import write_json
from pedrank.study.made_with import NOTE, check_made_with, difference, note_end, note_start
from pedrank.utils.errors import InputError

MADE_BY = {"config": {"finetune": {"steps": 4}, "metrics": ["logme"]}, "datasets": {}, "code": {"score": "a1"}}
OTHER = MADE_BY | {"config": {"finetune": {"steps": 9}, "metrics": ["logme"]}}


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Results of a study that one configuration has made, with their records, in the working directory."""
    monkeypatch.chdir(tmp_path)
    results, records = tmp_path / "results/small", tmp_path / ".snakemake/metadata"
    records.mkdir(parents=True)
    note_start(results, MADE_BY)
    write_json(results / "score.json", {"score": 1})
    (records / "a-record").write_text("{}")
    note_end(results, MADE_BY)
    return results


def _never():
    raise AssertionError("compared although the records know these results")


def _forget(study):
    for path in (study.parents[1] / ".snakemake/metadata").iterdir():
        path.unlink()


def test_records_that_know_the_results_decide_what_reruns(study):
    check_made_with(study, _never)


@pytest.mark.parametrize(
    "now, said",
    [
        (OTHER, "finetune.steps: 4, which is 9 now"),
        (MADE_BY | {"code": {"score": "b2"}}, "other code (score)"),
        (MADE_BY | {"datasets": {"mine": {"images": "f00d"}}}, 'datasets.mine: null, which is {"images": "f00d"} now'),
    ],
    ids=["configuration", "code", "images"],
)
def test_results_without_records_must_fit(study, now, said):
    _forget(study)
    check_made_with(study, lambda: MADE_BY)
    with pytest.raises(InputError) as raised:
        check_made_with(study, lambda: now)
    assert said in str(raised.value) and ".snakemake" in str(raised.value) and "\n" not in str(raised.value)


def test_records_of_other_results_do_not_count(study):
    """The records of this directory know other files than those that were copied into it."""
    _forget(study)
    note_start(study.parent / "another", OTHER)
    with pytest.raises(InputError, match=r"finetune.steps: 4, which is 9 now"):
        check_made_with(study, lambda: OTHER)


def test_results_that_two_directories_made_are_known_to_neither(study):
    """A run that continues copied results has records of its own files only."""
    first = (study.parents[1] / ".snakemake/metadata/.pedrank").read_text()
    _forget(study)
    note_start(study, MADE_BY)
    for identity in (first, (study.parents[1] / ".snakemake/metadata/.pedrank").read_text()):
        (study.parents[1] / ".snakemake/metadata/.pedrank").write_text(identity)
        check_made_with(study, lambda: MADE_BY)
        with pytest.raises(InputError, match="finetune.steps"):
            check_made_with(study, lambda: OTHER)


def test_an_edit_that_was_not_run_to_its_end_leaves_a_mixture(study):
    note_start(study, OTHER)  # and killed before all was made again
    _forget(study)
    for now in (MADE_BY, OTHER):
        with pytest.raises(InputError, match="more than one configuration"):
            check_made_with(study, lambda now=now: now)


def test_an_edit_that_was_run_to_its_end_is_what_made_the_results(study):
    note_start(study, OTHER)
    note_end(study, OTHER)
    _forget(study)
    check_made_with(study, lambda: OTHER)
    with pytest.raises(InputError, match=r"finetune.steps: 9, which is 4 now"):
        check_made_with(study, lambda: MADE_BY)


def test_files_that_snakemake_recorded_anew_are_known_to_its_records(study):
    _forget(study)
    note_start(study, MADE_BY)
    note_end(study, MADE_BY, touched=True)
    check_made_with(study, _never)


def test_a_copy_without_hidden_files_is_compared_with_its_configuration(study):
    """As `cp -r results/small/* elsewhere` leaves it."""
    _forget(study)
    (study / NOTE).unlink()
    with pytest.raises(InputError, match="nothing states what made"):
        check_made_with(study, lambda: MADE_BY)
    (study / "config.yaml").write_text(yaml.safe_dump(MADE_BY["config"] | {"mirror": "https://mirror"}))
    check_made_with(study, lambda: MADE_BY)
    with pytest.raises(InputError, match=r"finetune.steps: 4, which is 9 now"):
        check_made_with(study, lambda: OTHER)


def test_a_damaged_note_is_no_note(study):
    _forget(study)
    (study / NOTE).write_text(json.dumps({"whole": True}) + "}")
    with pytest.raises(InputError, match="nothing states what made"):
        check_made_with(study, lambda: MADE_BY)


def test_results_of_an_older_version_in_their_place_are_left_to_snakemake(study):
    (study / NOTE).unlink()
    (study.parents[1] / ".snakemake/metadata/.pedrank").unlink()
    check_made_with(study, _never)


def test_an_empty_study_has_nothing_to_fit(tmp_path):
    (tmp_path / "results/small/logs").mkdir(parents=True)
    (tmp_path / "results/small/logs/a.log").write_text("")
    check_made_with(tmp_path / "results/small", _never, tmp_path / "records")


def test_a_difference_is_named_by_its_path():
    assert difference({"config": {"a": [1, 2]}}, {"config": {"a": [1, 3]}}) == "a: [1, 2], which is [1, 3] now"
    assert difference({"a": {"b": None}}, {"a": {"b": None}}) == ""
    assert len(difference({"a": "x" * 500}, {"a": 1})) < 120
