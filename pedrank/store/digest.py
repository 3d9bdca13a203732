"""A digest of the code that decides a number, so that a workflow reruns exactly the steps that an edit affects.

Snakemake notices an edited rule but not an edited module. So the `params` of each rule hold a digest of its script, of
every module of this package that the script imports, directly or not, and of the modules that the step loads by name
(`pedrank.study.plan` names those). Code that decides no number is left out:

- docstrings, comments, formatting and type annotations;
- words: the arguments of `raise`, of warnings, of log messages and of argparse's help;
- folders and files that carry and check numbers (`CARRIERS`).

The same code has the same digest under every supported Python version.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import PurePosixPath

from pedrank.utils.paths import in_repository

# Folders and files that decide no number. The last ones read the study's configuration; the inputs and params of rules
# show what they found in it.
CARRIERS = (
    *("pedrank/fetch/", "pedrank/runtime/", "pedrank/store/", "pedrank/utils/", "pedrank/__init__.py"),
    *("pedrank/study/__init__.py", "pedrank/study/names.py"),
    *("pedrank/formats/__init__.py", "pedrank/formats/yaml_file.py"),
)

_SAYING = {"warn", "debug", "info", "warning", "error", "exception", "critical"}  # methods of warnings and loggers
_UNTYPED = {"__future__", "collections.abc", "typing"}  # modules imported for annotations only
_HELP = {"help", "description", "epilog", "metavar"}  # arguments of argparse that are words


@cache
def code_digest(*files: str) -> str:
    """Hex digest of files and of the package's modules that they import.

    It is computed once per process and list of files, since a workflow needs it once per job.

    Args:
        *files: Paths relative to the repository, such as "scripts/score.py".
    """
    digest = hashlib.sha256()
    for file in closure(*files):
        digest.update(f"{file}:{_parsed(file)[0]}".encode())
    return digest.hexdigest()[:16]


@cache
def closure(*files: str) -> tuple[str, ...]:
    """The files that `code_digest` covers, sorted: `files` and all that they import, without `CARRIERS`.

    Args:
        *files: Paths relative to the repository.

    >>> closure("pedrank/refinements/refinement_file.py")[0]
    'pedrank/observation/__init__.py'
    """
    pending, seen = [*files, *(name for file in files for name in _folders(file))], set()
    while pending:
        file = pending.pop()
        if file not in seen:
            seen.add(file)
            pending.extend(_parsed(file)[1])
    return tuple(sorted(seen))


@cache
def _parsed(file: str) -> tuple[str, tuple[str, ...]]:
    """A file's code that decides numbers, as text, and the package's modules that the file imports."""
    if not file.endswith(".py"):  # a template, say
        return hashlib.sha256(in_repository(file).read_bytes()).hexdigest(), ()
    tree = ast.parse(in_repository(file).read_text(encoding="utf-8"))
    return _text(tree), tuple(sorted(_imports(tree)))


def _text(value: object) -> str:
    """A syntax tree as text: like `ast.dump`, but the same in every Python version, and without words."""
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
    """Whether a statement is `if TYPE_CHECKING:`, or an import from one of `_UNTYPED`."""
    if isinstance(node, ast.If):
        return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING" and not node.orelse
    return isinstance(node, ast.ImportFrom) and node.module in _UNTYPED


def _says(node: ast.AST) -> bool:
    """Whether a statement only prints words: a warning, a log message, a print to stderr."""
    if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
        return False
    call = node.value
    if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
        return call.func.attr in _SAYING and call.func.value.id in ("warnings", "logging", "logger")
    to_stderr = any(keyword.arg == "file" and "stderr" in ast.dump(keyword.value) for keyword in call.keywords)
    return isinstance(call.func, ast.Name) and call.func.id == "print" and to_stderr


def _decides(node: ast.AST, name: str, field: object) -> bool:
    """Whether a field of a node counts: empty fields differ between Pythons; annotations and help texts are words."""
    if field is None or field == [] or name in ("annotation", "returns", "type_comment", "kind"):
        return False
    return not (isinstance(node, ast.keyword) and name == "value" and node.arg in _HELP)


def _parts(values: list[ast.expr]) -> str:
    """The parts of an f-string, neighbouring texts joined: some Pythons join them, others do not."""
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
    """The package's modules that this one imports, anywhere in its code, with the `__init__` of their folders."""
    found: set[str] = set()
    for name in _names(tree):
        parts = name.split(".")
        if parts[0] != "pedrank":
            continue
        for end in range(1, len(parts) + 1):
            stem = "/".join(parts[:end])
            found |= {path for path in (f"{stem}.py", f"{stem}/__init__.py") if in_repository(path).is_file()}
    return {path for path in found if not path.startswith(CARRIERS)}


def _folders(file: str) -> list[str]:
    """The `__init__` of the package's folders that hold a file."""
    found = [f"{folder}/__init__.py" for folder in PurePosixPath(file).parents]
    return [path for path in found if in_repository(path).is_file() and not path.startswith(CARRIERS)]


def _names(node: ast.AST) -> Iterator[str]:
    """Dotted names imported below a node; a name imported from a module may itself be a module."""
    if _for_types_only(node):
        return
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    for child in ast.iter_child_nodes(node):
        yield from _names(child)
