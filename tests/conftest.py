"""Tests import what stands beside them, and one thread each keeps two of them out of each other's way."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
