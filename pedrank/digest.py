"""A digest of the code that decides a number, so that a workflow reruns what an edit changes and nothing else.

Snakemake sees an edited rule but not an edited module. Each rule therefore carries in its `params` the digest of its
script and of every module of this package that the script imports, directly or not: of their syntax trees without
docstrings, so that comments and formatting change nothing.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# These carry, check and report numbers without deciding any.
_CARRIERS = {
    "pedrank/artefacts.py",
    "pedrank/command.py",
    "pedrank/device.py",
    "pedrank/download.py",
    "pedrank/errors.py",
    "pedrank/fetch.py",
    "pedrank/lock.py",
    "pedrank/memory.py",
    "pedrank/trust.py",
    "pedrank/__init__.py",
}


def code_digest(*files: str) -> str:
    """Hex digest of `files` (paths relative to the repository) and of the package's modules that they import."""
    pending, seen = list(files), set()
    while pending:
        file = pending.pop()
        if file not in seen:
            seen.add(file)
            pending.extend(_imports(file) - seen)
    digest = hashlib.sha256()
    for file in sorted(seen):
        digest.update(f"{file}:{_tree(file)}".encode())
    return digest.hexdigest()[:16]


@cache
def _tree(file: str) -> str:
    """The file's syntax tree as text, docstrings left out."""
    tree = ast.parse((ROOT / file).read_text())
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = node.body[1:]
    return ast.dump(tree)


@cache
def _imports(file: str) -> set[str]:
    """The package's modules that a file imports, wherever in it the import stands."""
    names: Iterator[str] = (
        name
        for node in ast.walk(ast.parse((ROOT / file).read_text()))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            if isinstance(node, ast.ImportFrom) and node.module
            else []
        )
    )
    found = set()
    for name in names:
        if name.split(".")[0] != "pedrank":
            continue
        stem = name.replace(".", "/")
        found |= {path for path in (f"{stem}.py", f"{stem}/__init__.py") if (ROOT / path).is_file()}
    return found - _CARRIERS
