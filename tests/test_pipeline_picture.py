"""The picture of the pipeline shows today's rules: docs/images/pipeline.png, and its edges in pipeline.txt."""

import sys

from pedrank.utils.paths import ROOT

sys.path.insert(0, str(ROOT / "docs/images"))
import pipeline

DRAW = (
    "the rules have changed: run `python docs/images/pipeline.py`, look at pipeline.png and commit it with pipeline.txt"
)


def test_the_picture_has_todays_rules():
    listed = [tuple(line.split(" -> ")) for line in pipeline.EDGES.read_text().splitlines()]
    assert pipeline.rule_edges() == listed, DRAW


def test_the_picture_is_small():
    assert pipeline.PICTURE.read_bytes().startswith(b"\x89PNG")
    assert pipeline.PICTURE.stat().st_size < 200_000


def test_every_rule_has_a_stage_and_every_arrow_leads_down():
    edges = pipeline.rule_edges()
    shown = pipeline.shown_edges(edges)
    rules = {rule for edge in shown for rule in edge}
    assert rules == {rule for edge in edges for rule in edge} - set(pipeline.LEFT_OUT)
    assert {pipeline.stages()[rule] for rule in rules} <= set(pipeline.STAGES)
    row = {node: number for number, row in enumerate(pipeline.layers(shown)) for node in row}
    assert all(row[one] < row[other] for one, other in shown)


def test_longer_ways_replace_an_edge():
    edges = [("a", "b"), ("b", "c"), ("a", "c"), ("c", "all"), ("a", "all")]
    assert pipeline.shown_edges(edges) == [("a", "b"), ("b", "c")]
