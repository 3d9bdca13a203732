"""Ask pip-audit for known vulnerabilities of everything that requirements-dev.lock names."""

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
    with tempfile.TemporaryDirectory() as folder:  # apart, so that it changes no version here
        venv.create(folder, with_pip=True)
        python = Path(folder, "bin/python")
        installed = subprocess.run([python, "-m", "pip", "install", "--quiet", "pip-audit"])
        if installed.returncode:
            raise InputError("pip-audit cannot be installed; run this where a package index can be reached")
        # Strict: a package that the service does not answer for is no package without vulnerabilities.
        command = [python, "-m", "pip_audit", "--strict", "--disable-pip", "--require-hashes", "--requirement", LOCK]
        audit = subprocess.run(command, capture_output=True, text=True)
    print(audit.stdout, end="")
    if audit.returncode and not audit.stdout.strip():
        reason = (audit.stderr.strip().splitlines() or ["no answer"])[-1][:200]
        raise InputError(f"nothing was audited: the service of vulnerabilities cannot be reached ({reason})")
    sys.exit(audit.returncode)


run(main)
