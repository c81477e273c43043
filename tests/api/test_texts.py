"""Texts by code and language, and that no refusal is without one."""

import ast
from pathlib import Path

import isotope
from isotope.kernel.texts import Texts, accepted_languages, load_catalogues

SOURCE = Path(isotope.__file__).parent
CATALOGUES = {"en": {"a": "A {x} {y}", "b": "B"}, "fi": {"a": "Ä {x}"}}


def test_the_order_in_which_a_text_is_found() -> None:
    texts = Texts(CATALOGUES)
    own = {"fi": {"b": "oma"}, "en": {"a": "own"}}
    assert texts.render("a", {"x": 1}) == "A 1 {y}"
    assert texts.render("a", {"x": 1}, languages=("fi",)) == "Ä 1"
    assert texts.render("b", languages=("fi",)) == "B"
    assert texts.render("b", languages=("fi",), overrides=own) == "oma"
    assert texts.render("a", languages=("sv",), overrides=own) == "own"
    assert texts.render("no_such_code") == "No such code."


def test_a_wording_can_reach_nothing_but_its_parameters() -> None:
    texts = Texts({"en": {"a": "{x.__class__} {x[0]} {x!r} {0} {"}})
    assert texts.render("a", {"x": "v"}) == "{x.__class__} {x[0]} {x!r} {0} {"


def test_languages_that_are_accepted() -> None:
    spoken = ("en", "fi", "sv")
    assert accepted_languages("fi-FI, sv;q=0.5", spoken) == ("fi", "sv", "en")
    assert accepted_languages("sv;q=0.2, fi;q=0.9, de", spoken) == ("fi", "sv", "en")
    assert accepted_languages("fi;q=0", spoken) == spoken
    assert accepted_languages(",;q=x, *, \x00, fi;q=nan", spoken)[-1] in spoken
    assert accepted_languages("", spoken) == spoken


def codes_in_source() -> set[str]:
    """The second argument of every `Refusal(Kind.X, "code")`, and every `call.text("code")`."""
    codes: set[str] = set()
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            position = {"Refusal": 1, "text": 0}.get(name)
            if position is not None and len(node.args) > position:
                argument = node.args[position]
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    codes.add(argument.value)
    return codes


def test_every_refusal_has_its_text() -> None:
    codes = codes_in_source()
    assert len(codes) > 40
    assert not codes - load_catalogues()["en"].keys()
