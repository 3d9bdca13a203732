#!/usr/bin/env python3
"""A stand-in for kubectl: runs the container of a Job here, in the background, and keeps its manifest and exit code.

Knows `create -f -`, `get job` and `delete job` as profiles/kubernetes calls them; keeps its files in KUBECTL_FOLDER.
"""

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path

folder = Path(os.environ["KUBECTL_FOLDER"])
match sys.argv[1:]:
    case ["create", "-f", "-", *_]:
        job = json.load(sys.stdin)
        container = job["spec"]["template"]["spec"]["containers"][0]
        name = job["metadata"]["generateName"] + uuid.uuid4().hex[:5]
        (folder / f"{name}.json").write_text(json.dumps(job))
        run = 'cd "$1" && shift && "$@"; echo $? > "$0"'
        code, log = folder / f"{name}.code", open(folder / f"{name}.log", "w")  # noqa: SIM115 (the child's)
        command = ["sh", "-c", run, code, container["workingDir"], *container["command"]]
        subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
        print(name, end="")
    case ["get", "job", name, *_] if (folder / f"{name}.json").exists():
        code = folder / f"{name}.code"
        text = code.read_text().strip() if code.exists() else ""
        kind = {"": [], "0": [{"type": "Complete", "status": "True"}]}.get(text, [{"type": "Failed", "status": "True"}])
        print(json.dumps({"status": {"conditions": kind}}))
    case ["delete", "job", *names]:
        for name in names:
            (folder / f"{name}.json").unlink(missing_ok=True)
    case ["get", "job", *_]:
        pass
    case _:
        sys.exit(f"error: unknown command {sys.argv[1:]}")
