"""What hatchling does when it builds a wheel: it lays the workflow inside the package."""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WORKFLOW = ("Snakefile", "config.yaml", "envs", "profiles", "report", "rules", "schemas", "scripts", "studies")


class WorkflowInPackage(BuildHookInterface):
    """Adds pedrank/workflow_files to a wheel (pedrank/utils/paths.py). An editable installation uses the checkout's."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the files, unless `version` is "editable"."""
        if version == "standard":
            build_data["force_include"] |= {part: f"pedrank/workflow_files/{part}" for part in WORKFLOW}
