"""`isotope maps`: places of a file, roads of a file, and what is said when there are none."""

import asyncio
import subprocess
import sys
from pathlib import Path

import psycopg

from isotope.domain.tenants import CreateOperator, create_operator
from isotope.infra.clock import SystemClock
from isotope.infra.db import Database
from isotope.infra.hub import Hub
from isotope.infra.jobs import Jobs
from isotope.infra.runtime import Runtime
from tests.kit import maps


def _maps(url: str, data: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "isotope", "maps", *words],
        capture_output=True,
        text=True,
        check=False,
        env={"ISOTOPE_DATABASE_URL": url, "ISOTOPE_DATA": str(data), "PATH": "/usr/bin:/bin", **environ},
    )


async def _make(url: str, slug: str) -> None:
    db = Database(url, max_size=1)
    await db.open()
    try:
        rt = Runtime(db=db, clock=SystemClock(), hub=Hub(url), jobs=Jobs())
        command = CreateOperator(slug=slug, name="X", currency="EUR", time_zone="UTC", languages=("en",))
        await create_operator(rt, command)
    finally:
        await db.close()


def _count(url: str) -> dict[str, int]:
    with psycopg.connect(url) as connection:
        return dict(connection.execute("select source, count(*) from place group by source").fetchall())


def test_import_again_and_what_is_refused(fresh_database_url: str, tmp_path: Path) -> None:
    asyncio.run(_make(fresh_database_url, "riga"))
    file = str(maps.helsinki())
    first = _maps(fresh_database_url, tmp_path, "import", file, "--operator", "riga")
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("helsinki: 2")
    assert "OpenStreetMap contributors" in first.stdout
    again = _maps(fresh_database_url, tmp_path, "import", file, "--operator", "riga")
    assert again.stdout.startswith("helsinki: 0 new, 2")
    assert _count(fresh_database_url)["helsinki"] > 2_000
    (tmp_path / "bad.osm.pbf").write_bytes(b"x" * 100)
    for words, said in (
        (("import", "none.osm.pbf", "--operator", "riga"), "there is no file"),
        (("import", str(tmp_path / "bad.osm.pbf"), "--operator", "riga"), "no OpenStreetMap extract"),
        (("import", file, "--operator", "nobody"), "nobody"),
        (("build", "none.osm.pbf"), "there is no file"),
    ):
        done = _maps(fresh_database_url, tmp_path, *words)
        assert done.returncode == 1
        assert said in done.stderr
        assert "Traceback" not in done.stderr


def test_the_demo_without_a_network_has_a_short_list(fresh_database_url: str, tmp_path: Path) -> None:
    asyncio.run(_make(fresh_database_url, "demo"))
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_CONFIG_FILE": "/dev/null", "PIP_NO_CACHE_DIR": "1"}
    done = _maps(fresh_database_url, tmp_path, "demo", **nowhere)
    assert done.returncode == 0, done.stderr
    assert "short list of our own" in done.stdout
    assert _count(fresh_database_url) == {"helsinki": 24}


def test_the_demo_with_what_was_downloaded(fresh_database_url: str, tmp_path: Path) -> None:
    maps.helsinki(), maps.engine()
    asyncio.run(_make(fresh_database_url, "demo"))
    done = _maps(fresh_database_url, tmp_path, "demo", ISOTOPE_MAP_DOWNLOADS=str(maps.cache()))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Places and roads of Helsinki's centre are there.")
    assert _count(fresh_database_url)["helsinki"] > 2_000
    assert (tmp_path / "maps" / "current" / "roads.osrm.mldgr").exists()
