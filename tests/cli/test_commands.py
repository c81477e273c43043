"""The command line as a whole: every command is there, explains itself and fails in one line."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from isotope import cli
from isotope.infra.config import load_config


@pytest.mark.parametrize("name", cli.names())
def test_every_command_has_help_with_an_example(name: str) -> None:
    root = cli.build([name])
    groups = [[name.replace("_", "-")]]
    for group in root.registered_groups:
        assert group.typer_instance is not None
        groups = [[str(group.name), str(command.name)] for command in group.typer_instance.registered_commands]
    for words in groups:
        shown = CliRunner().invoke(root, [*words, "--help"])
        assert shown.exit_code == 0, shown.output
        assert "Example:" in shown.output, f"isotope {' '.join(words)} shows no example"
        assert f"isotope {' '.join(words)}" in " ".join(shown.output.split())


def test_the_usual_commands_are_there() -> None:
    assert {"up", "api", "gateway", "worker", "migrate", "apply", "simulate", "operator", "keys", "staff"} <= set(
        cli.names()
    )
    assert cli.names()[0] == "up"


def _isotope(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "isotope", *words], capture_output=True, text=True, check=False, env=environ
    )


def test_expected_failures_are_a_message_without_a_trace(tmp_path: Path) -> None:
    wrong = _isotope("up", ISOTOPE_PORT="many")
    assert (wrong.returncode, "ISOTOPE_PORT" in wrong.stderr, "Traceback" in wrong.stderr) == (1, True, False)
    alone = _isotope("worker", ISOTOPE_DATA=str(tmp_path))
    assert alone.returncode == 1
    assert "no PostgreSQL runs in the data folder" in alone.stderr
    assert "Traceback" not in alone.stderr


def test_an_unknown_command_is_refused() -> None:
    assert _isotope("upp").returncode == 2


def test_migrate_says_what_it_does(database_url: str) -> None:
    done = _isotope("migrate", "--check", ISOTOPE_DATABASE_URL=database_url)
    assert (done.returncode, done.stdout) == (0, "up to date\n"), done.stderr
    assert load_config({}).database_url == ""
