"""Examples in docstrings run as written, and the public functions have one each."""

import doctest
import importlib
import re
import types

import pytest

import pedrank
from pedrank.metrics import get_metric, metric_names
from pedrank.utils.paths import PACKAGE, ROOT

MODULES = [
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted(PACKAGE.rglob("*.py"))
    if ">>>" in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run_as_written(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert found.attempted and not found.failed


def _public() -> dict[str, types.FunctionType]:
    """The functions of `pedrank` itself, the metrics, and all that the documents import from it."""
    found = {name: getattr(pedrank, name) for name in pedrank.__all__}
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for module, names in re.findall(r"^from (pedrank[\w.]*) import ([\w, ]+)", path.read_text(), re.MULTILINE):
            for name in names.split(", "):
                found[f"{module}.{name}"] = getattr(importlib.import_module(module), name)
    return {name: each for name, each in found.items() if isinstance(each, types.FunctionType)}


@pytest.mark.parametrize("name", sorted(_public()))
def test_public_functions_say_what_they_take_and_return_and_show_it(name):
    function = _public()[name]
    text = function.__doc__ or ""
    if function.__code__.co_argcount:
        assert "Args:\n" in text
    assert ">>> " in text
    assert (
        re.search(r"Returns:|Yields:|^List |^Names ", text, re.MULTILINE)
        or function.__annotations__["return"] == "None"
    )


@pytest.mark.parametrize("name", metric_names())
def test_metrics_name_their_source_and_show_an_example(name):
    found = get_metric(name)
    assert found.paper and found.title != name
    assert ">>> " in (found.function.__doc__ or "")
