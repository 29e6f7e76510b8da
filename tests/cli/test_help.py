"""The overview and each command's help."""

from __future__ import annotations

import click
import pytest

import gigawatt
from gigawatt.cli._app import COMMANDS, app


def command(name):
    with click.Context(app) as context:
        return app.get_command(context, name)


@pytest.mark.parametrize("name", COMMANDS)
def test_overview_says_what_the_command_says_of_itself(name):
    assert COMMANDS[name][1] == command(name).get_short_help_str(limit=200)
    assert command(name).name == name


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_examples_of_the_command(name):
    epilog = command(name).epilog
    assert "Examples:" in epilog
    examples = [line for line in epilog.splitlines() if line.startswith("  gigawatt ")]
    assert examples
    assert all(line.startswith(f"  gigawatt {name}") for line in examples)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_and_format_is_explained(name):
    options = [p for p in command(name).params if isinstance(p, click.Option)]
    assert all(option.help for option in options)
    assert "--format" in {text for option in options for text in option.opts}


@pytest.mark.parametrize("name", COMMANDS)
def test_examples_use_options_that_exist(name):
    known = {text for p in command(name).params for text in p.opts}
    words = command(name).epilog.replace("|", " | ").split()
    assert {word for word in words if word.startswith("--")} <= known


def test_overview_lists_every_command(cli):
    result = cli("--help")
    assert result.exit_code == 0
    for name, (_, line) in COMMANDS.items():
        assert f"{name} " in result.stdout
        assert line in result.stdout


def test_version(program):
    done = program("--version")
    assert (done.returncode, done.stdout) == (0, f"gigawatt {gigawatt.__version__}\n")


def test_misspelt_command_is_bad_input_with_a_suggestion(cli):
    result = cli("rum", "hyperion")
    assert result.exit_code == 2
    assert "Did you mean run?" in result.stderr
    assert result.stdout == ""


def test_unknown_option_is_bad_input(cli):
    result = cli("run", "hyperion", "--reports", "x.html")
    assert result.exit_code == 2
    assert "--reports" in result.stderr


def test_nothing_asked_shows_the_overview_and_fails(cli):
    result = cli()
    assert result.exit_code == 2
    assert "Commands:" in result.stderr
