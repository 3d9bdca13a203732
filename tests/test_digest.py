"""The digest follows what decides a number, and nothing else."""

import pytest

from pedrank.store import digest


def _forget():
    digest.code_digest.cache_clear()
    digest._parsed.cache_clear()


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A small repository: a script imports a, which imports b inside a function; c stands apart."""
    files = {
        "script.py": "from pedrank.a import f\nfrom pedrank.utils.errors import InputError\n",
        "pedrank/a.py": "def f():\n    from pedrank import b\n    return b.X\n",
        "pedrank/b.py": "X = 1\n",
        "pedrank/c.py": "Y = 1\n",
        "pedrank/utils/errors.py": "class InputError(ValueError):\n    pass\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(digest, "in_repository", lambda file: tmp_path / file)

    def edit(name, text):
        (tmp_path / name).write_text(text)
        _forget()
        return digest.code_digest("script.py")

    yield edit
    _forget()


@pytest.mark.parametrize(
    "name, text",
    [
        ("pedrank/b.py", "X = 1  # a comment\n\n"),
        ("pedrank/b.py", '"""A docstring."""\nX = (1)\n'),
        ("pedrank/a.py", 'def f():\n    """Says what."""\n    from pedrank import b\n\n    return b.X\n'),
        ("pedrank/c.py", "Y = 2\n"),
        ("pedrank/utils/errors.py", "class InputError(Exception):\n    pass\n"),
    ],
)
def test_words_and_strangers_change_nothing(tree, name, text):
    before = tree("pedrank/c.py", "Y = 1\n")
    assert tree(name, text) == before


@pytest.mark.parametrize(
    "name, text",
    [
        ("pedrank/b.py", "X = 2\n"),
        ("pedrank/a.py", "def f():\n    from pedrank import b\n    return -b.X\n"),
        ("script.py", "from pedrank.a import f\nf()\n"),
        ("script.py", "from pedrank.a import f\nimport pedrank.c\n"),
    ],
)
def test_logic_anywhere_below_counts(tree, name, text):
    before = tree("pedrank/c.py", "Y = 1\n")
    assert tree(name, text) != before
