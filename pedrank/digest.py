"""A digest of the code that decides a number, so that a workflow reruns what an edit changes and nothing else.

Snakemake sees an edited rule but not an edited module. Each rule therefore carries in its `params` the digest of its
script and of every module of this package that the script imports, directly or not: of their syntax trees without
docstrings, so that comments and formatting change nothing.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
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
    "pedrank/integrity.py",
    "pedrank/lock.py",
    "pedrank/memory.py",
    "pedrank/trust.py",
    "pedrank/__init__.py",
}


@cache
def code_digest(*files: str) -> str:
    """Hex digest of `files` (paths relative to the repository) and of the package's modules that they import.

    Made once per process and list of files: a workflow asks for it once per job.
    """
    pending, seen = list(files), {}
    while pending:
        file = pending.pop()
        if file not in seen:
            seen[file], imports = _parsed(file)
            pending.extend(imports)
    digest = hashlib.sha256()
    for file in sorted(seen):
        digest.update(f"{file}:{seen[file]}".encode())
    return digest.hexdigest()[:16]


@cache
def _parsed(file: str) -> tuple[str, set[str]]:
    """The file's syntax tree as text, docstrings left out, and the package's modules that it imports."""
    tree = ast.parse((ROOT / file).read_text())
    nodes = list(ast.walk(tree))
    for node in nodes:
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = node.body[1:]
    return ast.dump(tree), _imports(nodes)


def _imports(nodes: Iterable[ast.AST]) -> set[str]:
    """The package's modules that are imported, wherever in a file the import stands."""
    names: Iterator[str] = (
        name
        for node in nodes
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
