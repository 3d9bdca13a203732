"""Commands that messages name: those of a clone, or those of the folder of a study."""

from __future__ import annotations

from pathlib import Path

from pedrank.utils.paths import INSTALLED, ROOT


def offered(target: str) -> str | None:
    """The command that does something in the working directory.

    Args:
        target: "resume" or "fetch-list".

    Returns:
        `make TARGET` in a clone, `pedrank study TARGET .` in a folder that `pedrank study init` has written, and None
        elsewhere.
    """
    here = Path.cwd()
    if here == ROOT and not INSTALLED:
        return f"make {target}"
    return f"pedrank study {target} ." if (here / "Snakefile").is_file() else None
