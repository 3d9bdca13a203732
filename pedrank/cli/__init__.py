"""The command `pedrank`: one file for each of its subcommands.

Answers go to standard output, everything else to standard error. Exit code 0: done; 1: bad input or a failed run, in
one line that says what to do; 2: the command line itself is wrong.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

COMMANDS = ("rank", "score", "refine", "metrics", "zoo", "doctor")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line `arguments` (of this process, if None) and return the exit code."""
    from pedrank.utils.errors import InputError, disk_error

    parser = command_line()
    given = parser.parse_args(arguments)
    try:
        return given.run(given) or 0
    except InputError as error:
        reason = str(error)
    except BrokenPipeError:  # as in `pedrank zoo | head`
        sys.stderr.close()
        return 0
    except OSError as error:
        reason = disk_error(error)
    except KeyboardInterrupt:
        reason = "stopped; the same command goes on from here"
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
        summary = module.__doc__.strip().splitlines()[0]
        command = commands.add_parser(
            name,
            help=summary,
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser
