"""HTML by small functions. Everything that is not `Markup` is escaped, so no text of the registry can break the page."""

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

_CODE: Final = re.compile(r"`([^`]+)`")


class Markup(str):
    """A piece of finished HTML."""

    __slots__ = ()


def tag(name: str, *children: str, **attributes: str) -> Markup:
    """`tag("a", "here", href="#x")`; a trailing underscore is dropped from attribute names (`class_`)."""
    shown = "".join(f' {key.rstrip("_")}="{escape(value)}"' for key, value in attributes.items())
    return Markup(f"<{name}{shown}>{join(children)}</{name}>")


def join(children: Iterable[str]) -> Markup:
    """Pieces one after the other."""
    return Markup("".join(child if isinstance(child, Markup) else escape(child, quote=False) for child in children))


def prose(text: str) -> Markup:
    """A docstring: blank lines make paragraphs, `backticks` make code."""
    paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", text.strip())]
    return join(tag("p", inline(paragraph)) for paragraph in paragraphs if paragraph)


def inline(text: str) -> Markup:
    """A sentence with `backticks`."""
    escaped = escape(text, quote=False)
    return Markup(_CODE.sub(r"<code>\1</code>", escaped))


def table(head: Sequence[str], rows: Iterable[Sequence[str]], **attributes: str) -> Markup:
    """A table; cells are texts or markup. A row of one cell goes over the whole width."""
    header = tag("thead", tag("tr", *(tag("th", cell) for cell in head)))
    body = tag("tbody", *(tag("tr", *_cells(row, len(head))) for row in rows))
    return tag("div", tag("table", header, body, **attributes), class_="scroll")


def _cells(row: Sequence[str], columns: int) -> list[Markup]:
    if len(row) == 1:
        return [tag("td", row[0], colspan=str(columns), class_="whole")]
    return [tag("td", cell) for cell in row]
