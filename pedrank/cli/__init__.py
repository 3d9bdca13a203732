"""The command `pedrank`: one file for each of its subcommands.

Answers go to stdout, everything else to stderr. Exit code 0: done; 1: bad input or a failed run, reported in one line
with a remedy; 2: a mistake in the command line.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

# Modules of the extra `workflow` (pyproject.toml) that this package imports. The other dependencies are always there.
WORKFLOW_MODULES = (
    *("PIL", "docutils", "jinja2", "jsonschema", "matplotlib", "mlxtend", "requests", "sklearn", "snakemake", "torch"),
    *("torchvision", "tqdm"),
)
COMMANDS = ("rank", "study", "record", "trace", "evaluate", "score", "refine", "metrics", "zoo", "doctor")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code.

    Args:
        arguments: The words after `pedrank`; those of this process if None.

    >>> main(["metrics", "--json", "--plugin", "no-such-file.py"])  # an error is one line on stderr
    1
    """
    from pedrank.utils.errors import InputError, disk_error, without

    parser = command_line()
    given = parser.parse_args(arguments)
    try:
        return given.run(given) or 0
    except InputError as error:
        reason = str(error)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in WORKFLOW_MODULES:
            raise
        reason = without(error.name)
    except BrokenPipeError:  # as in `pedrank zoo | head`
        sys.stderr.close()
        return 0
    except OSError as error:
        reason = disk_error(error)
    except KeyboardInterrupt:
        reason = "stopped; run the same command to continue"
    print(f"error: {reason}", file=sys.stderr)
    return 1


def command_line() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    from pedrank.utils.version import VERSION

    parser = argparse.ArgumentParser(
        prog="pedrank",
        description="Which pre-trained checkpoint should I fine-tune on my images?",
        epilog="`pedrank COMMAND --help` explains a command. Start with: pedrank rank --images FOLDER --zoo tiny",
    )
    parser.add_argument("--version", action="version", version=f"pedrank {VERSION}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in COMMANDS:
        module = importlib.import_module(f"pedrank.cli.{name}")
        summary = (module.__doc__ or name).strip().splitlines()[0]
        command = commands.add_parser(
            name,
            help=summary,
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser
