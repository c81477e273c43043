"""The import arrows of pyproject.toml hold, and would be seen if they did not."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, SOURCE

# One forbidden import a contract: file, what it imports, the contract's name in the report.
BREAKS = {
    "layers": ("domain/tenants/model.py", "isotope.api.app", "From the processes down"),
    "siblings": ("gateway/main.py", "isotope.api.app", "From the processes down"),
    "rooms": ("domain/wallet/model.py", "isotope.domain.sharing", "The rooms of the domain"),
    "pure": ("kernel/money.py", "psycopg", "Words, codecs and prices"),
    "simulator": ("simulator/city.py", "isotope.domain.tenants", "The simulated city"),
    "card_sandbox": ("card_sandbox/cards.py", "isotope.domain.payments", "The test provider is the other side"),
    "http": ("infra/clock.py", "litestar", "HTTP types live in the API"),
}


def _lint(source: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-logo", "--no-cache", "--config", "pyproject.toml"],
        cwd=ROOT,
        env={"PATH": "", "PYTHONPATH": str(source.parent), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_arrows_hold() -> None:
    done = _lint(SOURCE)
    assert done.returncode == 0, done.stdout
    assert "Contracts: 6 kept, 0 broken." in done.stdout


def test_a_broken_arrow_is_seen(tmp_path: Path) -> None:
    """All in one copy of the source: building the graph is what takes time."""
    copy = tmp_path / "isotope"
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for file, imported, _contract in BREAKS.values():
        with (copy / file).open("a") as module:
            module.write(f"\nimport {imported}\n")
    done = _lint(copy)
    assert done.returncode != 0
    for _file, _imported, contract in BREAKS.values():
        assert any(contract in line and "BROKEN" in line for line in done.stdout.splitlines()), done.stdout


@pytest.mark.parametrize("file", sorted({file for file, _imported, _contract in BREAKS.values()}))
def test_the_files_that_are_broken_exist(file: str) -> None:
    assert (SOURCE / file).exists()
