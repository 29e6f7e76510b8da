"""The ``gigawatt`` program: a table of commands, each imported only when it is called.

``gigawatt --help`` reads names and one-line helps from `COMMANDS` and imports none of the commands;
a test holds each line against the command's own help.
"""

from __future__ import annotations

import importlib
import io
import sys
from typing import Any, Final

import click

from gigawatt import __version__
from gigawatt.cli._interrupts import noted
from gigawatt.errors import GigawattError, InputError, nearest

__all__ = ["COMMANDS", "app", "invoke"]

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "run": ("gigawatt.cli.run", "Simulate a campus and write the run with its report."),
    "train": ("gigawatt.cli.train", "Plan the training of a model: layout, step time and days."),
    "host": (
        "gigawatt.cli.host",
        "Plan how to serve a model: split, throughput, power, cost.",
    ),
    "site": ("gigawatt.cli.site", "Power, water and limits of a campus at the grid over a year."),
    "energy": (
        "gigawatt.cli.energy",
        "Supply of a campus over a year: dispatch, bill, carbon, homes.",
    ),
    "cluster": (
        "gigawatt.cli.cluster",
        "Jobs on a cluster over time: queues, failures and goodput.",
    ),
    "buildout": (
        "gigawatt.cli.buildout",
        "When a campus is likely to have its power, and what to hurry.",
    ),
    "finance": (
        "gigawatt.cli.finance",
        "Price a campus over years: cost, income, worth to its owner.",
    ),
    "capability": (
        "gigawatt.cli.capability",
        "How good a campus's models will be, and what limits them.",
    ),
    "data": (
        "gigawatt.cli.data",
        "Whether there is enough text to train on, and what it takes.",
    ),
    "label": (
        "gigawatt.cli.label",
        "Plan human labels: how many, in how many days, at what cost.",
    ),
    "compare": ("gigawatt.cli.compare", "Put campuses or finished runs side by side."),
    "catalog": ("gigawatt.cli.catalog", "Show published facts, each with its source."),
    "init": ("gigawatt.cli.init", "Start a campus file from a template or a known campus."),
    "check": ("gigawatt.cli.check", "Check campus files and name every problem."),
    "validate": ("gigawatt.cli.validate", "Hold predictions against published measurements."),
    "schema": ("gigawatt.cli.schema", "Print the JSON Schema of campus files, for editors."),
}
"""Each command's module, whose ``command`` it is, and the line that the overview shows."""

_EPILOG: Final = """\b
Examples:
  gigawatt run hyperion --report hyperion.html
  gigawatt compare prometheus hyperion
  gigawatt train llama-3.1-405b --chip h100 --count 16384
  gigawatt host deepseek-v3 --chip gb200 --ttft 1s --tpot 50ms --input 4000 --output 1000
  gigawatt site hyperion --figure site.html
  gigawatt energy prometheus --plan
  gigawatt cluster hyperion --failures llama-3-405b --repair 4h
  gigawatt catalog chip gb200
"""


class _Failure(click.ClickException):
    """An error that the user sees as plain text, without a traceback."""

    def show(self, file: Any = None) -> None:  # noqa: ANN401  click's own signature
        """Write the message as it is: editors jump to ``file:line:`` at the start of a line."""
        click.echo(self.message, file=file, err=file is None)


class _BadInput(_Failure):
    """Something that the user wrote is wrong."""

    exit_code = 2


class LazyGroup(click.Group):
    """A group of commands that imports a command's module when the command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the commands in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return the command, or None where there is none."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name][0]).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the arguments call; suggest the nearest for a misspelt one."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            close = nearest(args[0], COMMANDS)
            hint = f" Did you mean {' or '.join(close)}?" if close else ""
            message = f"No such command '{args[0]}'.{hint}"
            raise click.UsageError(message, ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands from the table, importing none."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401  whatever the command returns
        """Run the command; the package's own errors become messages with an exit code."""
        try:
            return super().invoke(ctx)
        except GigawattError as error:
            kind = _BadInput if isinstance(error, InputError) else _Failure
            raise kind(str(error)) from error


@click.group(
    cls=LazyGroup,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="gigawatt", message="%(prog)s %(version)s")
def app() -> None:
    """Plan and simulate gigawatt AI campuses, from the chip to the grid, from one YAML file."""


def invoke(args: list[str] | None = None) -> int:
    """Run the program and return its exit code; KeyboardInterrupt passes through."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that lacks a sign shows '?', rather than ending the program.
            stream.reconfigure(errors="replace")
    with noted() as seen:
        try:
            code = app.main(args, prog_name="gigawatt", standalone_mode=False)
        except click.ClickException as error:
            error.show()
            return error.exit_code
        except Exception as error:
            # click turns an interrupt into Abort, and DuckDB into an error of its own.
            if seen or isinstance(error, click.Abort):
                raise KeyboardInterrupt from error
            raise
    return code if isinstance(code, int) else 0
