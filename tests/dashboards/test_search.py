"""What is typed into a search, as conditions."""

import pytest

from isotope.dashboards.search import read_search
from isotope.infra.runtime import Runtime


@pytest.mark.parametrize(
    ("typed", "patterns", "number", "is_short"),
    [
        ("ada", ["%ada%"], None, False),
        ("  Ada   LOVE ", ["%Ada%", "%LOVE%"], None, False),
        ("+358 40 123-4567", ["%358401234567%"], None, False),
        ("1234", ["%1234%"], 1234, False),
        ("42", ["%42%"], 42, True),
        ("a", ["%a%"], None, True),
        ("100%_\\x", ["%100\\%\\_\\\\x%"], None, False),
        ("a bc", ["%a%", "%bc%"], None, True),
        ("a bcd", ["%a%", "%bcd%"], None, False),
        ("0", ["%0%"], None, True),
        ("99999999999999999999", ["%99999999999999999999%"], None, False),
        ("²³45", ["%²³45%"], None, False),
    ],
)
def test_reading(typed: str, patterns: list[str], number: int | None, is_short: bool) -> None:
    found = read_search(typed)
    assert found is not None
    assert (list(found.patterns), found.number, found.is_short) == (patterns, number, is_short)


@pytest.mark.parametrize("typed", [None, "", "  ", "\x00", "( ) - ."])
def test_nothing_is_asked(typed: str | None) -> None:
    assert read_search(typed) is None


@pytest.mark.parametrize(
    ("text", "typed", "is_found"),
    [
        ("Ærø Möller", "moll", True),
        ("José Peña", "PENA jose", True),
        ("Jose Pena", "peña", True),
        ("50% off", "50%", True),
        ("500 off", "50% off", False),
        ("snake_case", "e_c", True),
        ("snakeXcase", "e_c", False),
        ("Ada Lovelace", "ada byron", False),
    ],
)
async def test_in_the_store(rt: Runtime, text: str, typed: str, is_found: bool) -> None:
    search = read_search(typed)
    assert search is not None
    async with rt.db.read() as tx:
        found = await tx.scalar(
            f"select {search.matches('t.folded')} from (select fold(%(text)s::text) as folded) t",
            {"text": text, **search.params},
        )
    assert found is is_found
