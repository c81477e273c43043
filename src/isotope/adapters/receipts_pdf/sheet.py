"""A4 paper with our font, a footer, and text of any script on it."""

import unicodedata
from typing import Final, Self

from fpdf import FPDF
from fpdf.enums import Align, MethodReturnValue, XPos, YPos
from fpdf.fonts import TTFFont

from isotope.adapters.receipts_pdf.fonts import font_files
from isotope.domain.pricing import Words

# Millimetres.
MARGIN: Final = 18.0
WIDTH: Final = 210.0 - 2 * MARGIN
_BOTTOM: Final = 20.0
_FOOTER_LINE: Final = 3.6

_FAMILY: Final = "receipt"
_FOOTER_PT: Final = 7.5
_FOOTER_MOST_LINES: Final = 8
_GREY: Final = 110
_RULE_GREY: Final = 190
_JOINERS: Final = "\u200c\u200d"
_ABSENT: Final = "\N{LOZENGE}"


class Sheet(FPDF):
    """What is drawn on; it has its first page. `pages` is how many there will be: it stands on each."""

    def __init__(self, *, footer_text: str, pages: int, words: Words) -> None:
        super().__init__(orientation="portrait", unit="mm", format="A4")
        regular, bold = font_files()
        self.add_font(_FAMILY, "", regular)
        self.add_font(_FAMILY, "B", bold)
        # What both weights can show.
        self._glyphs = frozenset(self.fonts[_FAMILY].cmap) & frozenset(self.fonts[f"{_FAMILY}B"].cmap)  # type: ignore[union-attr]
        self.set_text_shaping(use_shaping_engine=True)
        # No text of a rider or an operator is a placeholder of the writer's.
        self.str_alias_nb_pages = ""
        self.set_margins(MARGIN, MARGIN, MARGIN)
        self._pages = pages
        self._words = words
        # Text is measured on a page only.
        self.add_page()
        self.style(_FOOTER_PT)
        self._footer_lines = self.wrapped(footer_text, WIDTH)[:_FOOTER_MOST_LINES]
        self.set_auto_page_break(auto=True, margin=_BOTTOM + _FOOTER_LINE * len(self._footer_lines))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc_info: object) -> None:
        """Close the files of the fonts, which the writer leaves open."""
        for font in self.fonts.values():
            if isinstance(font, TTFFont):
                font.ttfont.close()

    @property
    def bottom(self) -> float:
        """Where the room for the content ends."""
        return float(self.page_break_trigger)

    def style(self, size_pt: float, *, bold: bool = False, grey: bool = False) -> None:
        self.set_font(_FAMILY, "B" if bold else "", size_pt)
        self.set_text_color(_GREY if grey else 0)

    def shown(self, text: str, *, keep_lines: bool = False) -> str:
        """What can be shown of it, whatever it is: a lozenge for what the font has not, nothing for what is unseen."""
        lines = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).split("\n")
        clean = ["".join(map(self._sign, " ".join(line.split()))) for line in lines]
        return "\n".join(clean) if keep_lines else " ".join(line for line in clean if line)

    def wrapped(self, text: str, width: float) -> list[str]:
        """The lines that `text` takes in this width, in the font that is set."""
        lines = self.multi_cell(
            width, _FOOTER_LINE, self.shown(text, keep_lines=True), dry_run=True, output=MethodReturnValue.LINES
        )
        return [line for line in lines if line.strip()] if isinstance(lines, list) else []

    def put(
        self, x: float, y: float, width: float, text: str, *, line_height: float = 5.0, right: bool = False
    ) -> None:
        """Text that breaks into as many lines as it needs; `y` then is below it, maybe on the next page."""
        self.set_xy(x, y)
        self.multi_cell(
            width,
            line_height,
            text,
            align=Align.R if right else Align.L,
            new_x=XPos.LMARGIN,
            new_y=YPos.NEXT,
        )

    def put_number(self, x: float, y: float, width: float, text: str, *, line_height: float = 5.0) -> None:
        """On the right of its column, in one line, smaller where it would not fit."""
        size = self.font_size_pt
        needed = self.get_string_width(text) + 2 * self.c_margin
        if needed > width:
            self.set_font_size(size * width / needed)
        self.set_xy(x, y)
        self.cell(width, line_height, text, align=Align.R)
        self.set_font_size(size)

    def rule(self, y: float) -> None:
        self.set_draw_color(_RULE_GREY)
        self.set_line_width(0.2)
        self.line(MARGIN, y, MARGIN + WIDTH, y)

    def footer(self) -> None:
        """Called by the writer at the end of every page."""
        self.style(_FOOTER_PT, grey=True)
        y = self.bottom + 4
        self.rule(y - 1)
        for line in self._footer_lines:
            self.set_xy(MARGIN, y)
            self.cell(WIDTH, _FOOTER_LINE, line)
            y += _FOOTER_LINE
        self.set_xy(MARGIN, y)
        page = self._words("receipt_page", page=self.page_no(), pages=self._pages)
        self.cell(WIDTH, _FOOTER_LINE, self.shown(page), align=Align.R)

    def _sign(self, sign: str) -> str:
        # Controls, invisible formatting, variation selectors; but joiners say how letters are drawn.
        is_unseen = unicodedata.category(sign) in {"Cc", "Cf"} or "\ufe00" <= sign <= "\ufe0f"
        if is_unseen and sign not in _JOINERS:
            return ""
        return sign if ord(sign) in self._glyphs else "" if is_unseen else _ABSENT
