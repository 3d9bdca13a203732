"""What a program loads: start-up is kept light."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence

from pedrank.utils.paths import ROOT


def imported(program: str, names: Sequence[str]) -> list[str]:
    """Those of the modules `names` that are loaded once `program` has run in a fresh interpreter."""
    asked = f"{program}\nimport json, sys\nprint(json.dumps([name for name in {list(names)!r} if name in sys.modules]))"
    run = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(run.stdout)
