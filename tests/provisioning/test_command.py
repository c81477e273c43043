"""`isotope apply` as it is typed."""

import os
import pty
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import psycopg
import pytest

from tests.provisioning.folders import ExampleFolder


@pytest.fixture
def example(tmp_path: Path) -> ExampleFolder:
    return ExampleFolder(tmp_path / "harbour")


def apply(
    example: ExampleFolder, url: str, *options: str, stdin: int = subprocess.DEVNULL
) -> subprocess.CompletedProcess[str]:
    environ: Mapping[str, str] = {**os.environ, **example.environ, "ISOTOPE_DATABASE_URL": url, "COLUMNS": "120"}
    return subprocess.run(
        [sys.executable, "-m", "isotope", "apply", str(example.path), *options],
        env=environ,
        stdin=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def is_there(example: ExampleFolder, url: str) -> bool:
    with psycopg.connect(url) as connection:
        return connection.execute("select 1 from operator where slug = %s", [example.slug]).fetchone() is not None


def test_it_shows_then_applies_then_has_nothing_to_do(example: ExampleFolder, database_url: str) -> None:
    shown = apply(example, database_url, "--dry-run")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert f"created operator {example.slug}" in shown.stdout
    assert "created vehicle 1001, 1002, 2001" in shown.stdout
    assert not is_there(example, database_url)

    done = apply(example, database_url, "--yes")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, f"applied to {example.slug}")
    assert is_there(example, database_url)
    assert not any(secret in done.stdout for secret in example.environ.values())

    again = apply(example, database_url, "--yes")
    assert (again.returncode, again.stdout) == (0, f"{example.slug}: nothing to change\n")

    example.replace("pricing.yaml", "price_minor: 22", "price_minor: 25")
    changed = apply(example, database_url, "--dry-run").stdout
    assert " changed tariff scooter" in changed
    assert "minute_tiers: " in changed


def test_a_wrong_folder_is_refused_without_a_store(example: ExampleFolder) -> None:
    example.replace("models.yaml", "tariff: scooter", "tariff: scoter")
    refused = apply(example, "postgresql://nobody@127.0.0.1:1/nothing", "--yes")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == (
        "isotope: nothing was applied, one thing is wrong:\n"
        "models.yaml:15: models.kite.tariff: there is no tariff 'scoter' - did you mean 'scooter'? "
        "(accepted: scooter, e-bike)\n"
    )


def test_nobody_there_to_be_asked(example: ExampleFolder, database_url: str) -> None:
    refused = apply(example, database_url)
    assert refused.returncode == 1
    assert "give --yes to apply" in refused.stderr
    assert not is_there(example, database_url)


def test_the_answer_is_no(example: ExampleFolder, database_url: str) -> None:
    ours, theirs = pty.openpty()
    try:
        os.write(ours, b"n\n")
        assert apply(example, database_url, stdin=theirs).returncode == 3
    finally:
        os.close(ours)
        os.close(theirs)
    assert not is_there(example, database_url)


def test_made_keys_are_shown_once(example: ExampleFolder, database_url: str) -> None:
    example.replace("operator.yaml", "  secret_env: HARBOUR_SECRET_KEY\n", "")
    first = apply(example, database_url, "--yes").stdout
    assert "secret key (shown this once): " in first
    example.replace("operator.yaml", "name: Harbour Bikes", "name: Harbour")
    assert "shown this once" not in apply(example, database_url, "--yes").stdout


def test_wrong_use(example: ExampleFolder, database_url: str) -> None:
    assert apply(example, database_url, "--now").returncode == 2
