"""Look up known vulnerabilities of all packages in requirements-dev.lock with pip-audit."""

import argparse
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from pedrank.runtime.command import run
from pedrank.utils.errors import InputError

LOCK = Path(__file__).resolve().parent.parent / "requirements-dev.lock"


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder:  # a separate environment, so that no version changes here
        venv.create(folder, with_pip=True)
        python = Path(folder, "bin/python")
        installed = subprocess.run([python, "-m", "pip", "install", "--quiet", "pip-audit"])
        if installed.returncode:
            raise InputError("pip-audit cannot be installed; run this on a machine that can reach a package index")
        # Strict: a package without an answer from the service counts as a failure.
        command = [python, "-m", "pip_audit", "--strict", "--disable-pip", "--require-hashes", "--requirement", LOCK]
        audit = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    print(audit.stdout, end="")
    if audit.returncode and not audit.stdout.strip():
        reason = (audit.stderr.strip().splitlines() or ["no answer"])[-1][:200]
        raise InputError(
            f"nothing was audited: the vulnerability service cannot be reached ({reason}); try again later"
        )
    sys.exit(audit.returncode)


run(main)
