"""A digest of the code that decides a number, so that a workflow reruns what an edit changes and nothing else.

Snakemake sees an edited rule but not an edited module. Each rule therefore carries in its `params` the digest of its
script, of every module of this package that the script imports, directly or not, and of the modules that the step loads
by name (`pedrank.study.plan` names those). What decides no number is left out:

- docstrings, comments, formatting and type annotations;
- words: the arguments of `raise`, of warnings, of log messages and of argparse's help;
- whole folders that carry, check and report numbers (`CARRIERS`).

The digest of the same code is the same under every supported Python.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache

from pedrank.utils.paths import ROOT

# Folders (and the package's own face) that decide no number.
CARRIERS = ("pedrank/fetch/", "pedrank/runtime/", "pedrank/store/", "pedrank/utils/", "pedrank/__init__.py")

_SAYING = {"warn", "debug", "info", "warning", "error", "exception", "critical"}  # of warnings and of loggers
_UNTYPED = {"__future__", "collections.abc", "typing"}  # imports from these serve annotations
_HELP = {"help", "description", "epilog", "metavar"}  # arguments of argparse that are words


@cache
def code_digest(*files: str) -> str:
    """Hex digest of `files` and of the package's modules that they import.

    Args:
        files: Paths relative to the repository, such as "scripts/score.py".

    Made once per process and list of files: a workflow asks for it once per job.
    """
    digest = hashlib.sha256()
    for file in closure(*files):
        digest.update(f"{file}:{_parsed(file)[0]}".encode())
    return digest.hexdigest()[:16]


@cache
def closure(*files: str) -> tuple[str, ...]:
    """The files that `code_digest` is made of, sorted: `files` and what they import, carriers left out."""
    pending, seen = list(files), set()
    while pending:
        file = pending.pop()
        if file not in seen:
            seen.add(file)
            pending.extend(_parsed(file)[1])
    return tuple(sorted(seen))


@cache
def _parsed(file: str) -> tuple[str, tuple[str, ...]]:
    """What of a file decides numbers, as text, and the package's modules that it imports."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return _text(tree), tuple(sorted(_imports(tree)))


def _text(value: object) -> str:
    """A syntax tree as text: like `ast.dump`, but the same under every Python, and without words."""
    if isinstance(value, list):
        return f"[{','.join(text for text in map(_text, value) if text)}]"
    if not isinstance(value, ast.AST):
        return repr(value)
    if isinstance(value, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and _docstring(value):
        value.body = value.body[1:]
    if _for_types_only(value) or _says(value):
        return ""
    if isinstance(value, ast.Raise) and isinstance(value.exc, ast.Call):
        return f"Raise({_text(value.exc.func)})"
    if isinstance(value, ast.Assert):
        return f"Assert({_text(value.test)})"
    if isinstance(value, ast.AnnAssign) and value.value is not None:  # a class's field without a value keeps its type
        return f"Assign({_text(value.target)},{_text(value.value)})"
    if isinstance(value, ast.JoinedStr):
        return f"JoinedStr({_parts(value.values)})"
    fields = [(name, field) for name, field in ast.iter_fields(value) if _decides(value, name, field)]
    return f"{type(value).__name__}({','.join(f'{name}={_text(field)}' for name, field in fields)})"


def _docstring(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    first = node.body[0] if node.body else None
    return isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)


def _for_types_only(node: ast.AST) -> bool:
    """`if TYPE_CHECKING:`, and imports from `typing` and its kin."""
    if isinstance(node, ast.If):
        return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING" and not node.orelse
    return isinstance(node, ast.ImportFrom) and node.module in _UNTYPED


def _says(node: ast.AST) -> bool:
    """A statement that only says something: a warning, a log message, a print to stderr."""
    if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
        return False
    call = node.value
    if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
        return call.func.attr in _SAYING and call.func.value.id in ("warnings", "logging", "logger")
    to_stderr = any(keyword.arg == "file" and "stderr" in ast.dump(keyword.value) for keyword in call.keywords)
    return isinstance(call.func, ast.Name) and call.func.id == "print" and to_stderr


def _decides(node: ast.AST, name: str, field: object) -> bool:
    """Whether a field of a node counts: empty ones differ between Pythons, annotations and help texts are words."""
    if field is None or field == [] or name in ("annotation", "returns", "type_comment", "kind"):
        return False
    return not (isinstance(node, ast.keyword) and name == "value" and node.arg in _HELP)


def _parts(values: list[ast.expr]) -> str:
    """The parts of an f-string; neighbouring texts are joined, as some Pythons do and others do not."""
    parts: list[str] = []
    literal = ""
    for part in values:
        if isinstance(part, ast.Constant):
            literal += str(part.value)
            continue
        parts += [repr(literal)] if literal else []
        parts.append(_text(part))
        literal = ""
    return ",".join(parts + ([repr(literal)] if literal else []))


def _imports(tree: ast.AST) -> set[str]:
    """The package's modules that run when this one does, wherever the import stands, with the folders they lie in."""
    found: set[str] = set()
    for name in _names(tree):
        parts = name.split(".")
        if parts[0] != "pedrank":
            continue
        for end in range(1, len(parts) + 1):
            stem = "/".join(parts[:end])
            found |= {path for path in (f"{stem}.py", f"{stem}/__init__.py") if (ROOT / path).is_file()}
    return {path for path in found if not path.startswith(CARRIERS)}


def _names(node: ast.AST) -> Iterator[str]:
    """Dotted names that are imported below a node; what is imported from a module may be a module itself."""
    if _for_types_only(node):
        return
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    for child in ast.iter_child_nodes(node):
        yield from _names(child)
