"""Run Snakemake's jobs as Jobs of Kubernetes through kubectl: submit one, or print its status.

The working directory lies on a volume that the workflow and all pods mount at the same path. Every pod runs the image
of the workflow. Both are needed because the script of a job names files and a Python interpreter by their paths.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path


def manifest(options: argparse.Namespace, folder: Path) -> dict:
    """The manifest of the Job that runs `options.script` in `folder`."""
    wanted = {"cpu": str(options.cpus), "memory": f"{options.megabytes}M"}
    if options.gpus:
        wanted[options.gpu_name] = str(options.gpus)
    container = {
        "name": "job",
        "image": options.image,
        "command": ["/bin/sh", str(Path(options.script).resolve())],
        "workingDir": str(folder),
        "resources": {"requests": wanted, "limits": wanted},
        "volumeMounts": [{"name": "shared", "mountPath": options.mount}],
    }
    volume = {"name": "shared", "persistentVolumeClaim": {"claimName": options.claim}}
    pod = {"restartPolicy": "Never", "containers": [container], "volumes": [volume]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"generateName": "pedrank-"},
        "spec": {
            "backoffLimit": 0,  # Snakemake retries with more memory, Kubernetes would not
            "activeDeadlineSeconds": 60 * options.minutes,
            "ttlSecondsAfterFinished": 86400,
            "template": {"spec": pod},
        },
    }


def submit(options: argparse.Namespace) -> str:
    """Create the Job, and return the name that Kubernetes gave it."""
    text = json.dumps(manifest(options, Path.cwd()))
    command = ["kubectl", "create", "-f", "-", "-o", "jsonpath={.metadata.name}"]
    return subprocess.run(command, input=text, check=True, capture_output=True, text=True, encoding="utf-8").stdout


def status(options: argparse.Namespace) -> str:
    """The Job's status in Snakemake's words: success, failed or running; failed if the Job no longer exists."""
    command = ["kubectl", "get", "job", options.name, "--ignore-not-found", "-o", "json"]
    found = subprocess.run(command, check=True, capture_output=True, text=True, encoding="utf-8").stdout
    if not found.strip():
        return "failed"
    conditions = json.loads(found).get("status", {}).get("conditions", [])
    ended = {condition["type"] for condition in conditions if condition["status"] == "True"}
    return "success" if "Complete" in ended else "failed" if "Failed" in ended else "running"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("submit")
    one.add_argument("--image", required=True)
    one.add_argument("--claim", required=True, help="the PersistentVolumeClaim")
    one.add_argument("--mount", required=True, help="where pods and the workflow mount it")
    one.add_argument("--gpu-name", default="nvidia.com/gpu")
    for resource in ("cpus", "megabytes", "minutes", "gpus"):
        one.add_argument(f"--{resource}", required=True, type=int)
    one.add_argument("script")
    one.set_defaults(answer=submit)
    asked = commands.add_parser("status")
    asked.add_argument("name")
    asked.set_defaults(answer=status)
    options = parser.parse_args()
    try:
        print(options.answer(options))
    except subprocess.CalledProcessError as error:
        sys.exit(f"error: {' '.join(error.cmd[:3])}: {error.stderr.strip()}")


if __name__ == "__main__":
    main()
