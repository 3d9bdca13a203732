"""The notebook of docs/: it runs from top to bottom without a network, and shows what it has shown."""

import os
import sys

import nbformat
import pytest
from nbclient import NotebookClient

from pedrank.utils.paths import ROOT

NOTEBOOK = ROOT / "docs/notebook.ipynb"


def outputs(notebook, kind):
    """The texts of one kind that the cells show, without progress."""
    return [
        output["data"][kind]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if kind in output.get("data", {})
    ]


@pytest.mark.slow
def test_it_runs_from_top_to_bottom(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PATH", os.path.dirname(sys.executable), prepend=os.pathsep)
    for variable in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")  # nothing is fetched
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    stored = outputs(notebook, "text/plain")
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = outputs(notebook, "text/plain")
    assert len(shown) == len(stored) > 4
    picks = [text for text in shown if text.startswith("(['")]
    assert picks == [text for text in stored if text.startswith("(['")] and len(picks) == 2
    assert "Fine-tune simclr-tiny." in outputs(notebook, "text/html")[0]
    assert (tmp_path / "digits.csv").is_file()
    assert (tmp_path / "pedrank-results/results/handwritten/report.html").is_file()


def test_it_is_small_and_shows_no_place_of_a_machine():
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert len(text) < 50_000 and "/tmp" not in text and "/home" not in text and "/work" not in text
    nbformat.validate(nbformat.reads(text, as_version=4))
    assert any("<table" in page for page in outputs(nbformat.reads(text, as_version=4), "text/html"))
