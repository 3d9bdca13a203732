"""Start a script of the workflow with the package around this file, so that Ctrl-C ends it at once and in silence.

The shell in which Snakemake starts a job ignores SIGINT (rules/common.smk), and so does Python until this file asks for
the system's default: end the process. Snakemake reports the interruption; files under their final names are whole.

The package may lie among others, in site-packages. Nothing else is imported from there: a conda environment, in which a
script may run, has its own packages.
"""

from __future__ import annotations

import importlib.util
import runpy
import signal
import sys
from pathlib import Path


def main() -> None:
    """Run the script named by the first argument, with the other arguments."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    del sys.argv[0]
    sys.path[0] = str(Path(sys.argv[0]).parent)
    _import_package(Path(__file__).resolve().parents[1])
    runpy.run_path(sys.argv[0], run_name="__main__")


def _import_package(folder: Path) -> None:
    spec = importlib.util.spec_from_file_location(
        "pedrank", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None and spec.loader is not None  # it is a Python file
    sys.modules["pedrank"] = package = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(package)


if __name__ == "__main__":
    main()
