import re
from pathlib import Path

import pytest

from isotope.infra.runtime import Runtime
from isotope.provisioning import FolderRefused, apply_folder, plan_folder, read_folder
from isotope.provisioning.reference import with_tables
from tests.provisioning.folders import ENVIRON, PAGE, ExampleFolder, documented

_SLIP = re.compile(r"^\| `(\S+)` \| `(.+?)` \| `(.+?)` \|$", re.MULTILINE)


def test_tables_of_keys_are_what_the_types_say() -> None:
    page = PAGE.read_text(encoding="utf-8")
    again = "run: python -m isotope.provisioning.reference docs/operate/provisioning.md"
    assert with_tables(page) == page, again


async def test_documented_folder_is_applied(rt: Runtime, tmp_path: Path) -> None:
    example = ExampleFolder(tmp_path / "harbour")
    folder = read_folder(example.path, example.environ)
    await apply_folder(rt, folder)
    assert (await plan_folder(rt, folder)).changes == ()


def test_documented_slips_are_told_as_documented(tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name, text in documented().items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    slips = _SLIP.findall(page.split("<!-- slips -->")[1])
    assert len(slips) == 6
    for name, old, new in slips:
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert old in text
        (tmp_path / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(FolderRefused) as refused:
        read_folder(tmp_path, ENVIRON)
    told = re.search(r"<!-- faults -->\n```text\n(.*?)```", page, re.DOTALL)
    assert told is not None
    assert f"isotope: {refused.value}\n" == told[1]
