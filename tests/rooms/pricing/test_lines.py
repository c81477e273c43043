"""What lines say, in whose language."""

from typing import Any

import msgspec
import pytest

from isotope.domain.pricing import LINE_CODES, Line, english, line_text
from isotope.domain.sharing import Outcome
from isotope.kernel.texts import load_catalogues


def shout(code: str, /, **params: str | int) -> str:
    return f"{code} {params}".upper()


@pytest.mark.parametrize(
    ("code", "price", "params", "text"),
    [
        ("unlock", 100, {}, "LINE_UNLOCK {}"),
        ("ride_minutes", 20, {}, "LINE_RIDE_MINUTES {}"),
        ("ride_minutes", 0, {}, "LINE_RIDE_MINUTES_FREE {}"),
        ("km", 0, {}, "LINE_KM_FREE {}"),
        ("day_cap", -5, {}, "LINE_DAY_CAP {}"),
        ("failed_ride", 100, {}, "LINE_FAILED_RIDE {}"),
        ("late_report", 100, {}, "LINE_LATE_REPORT {}"),
        ("correction_failed_ride", -5, {}, "LINE_CORRECTION_FAILED_RIDE {}"),
        ("addon_minutes", 0, {"title": "seat"}, "LINE_ADDON_MINUTES {'TITLE': 'SEAT'}"),
        ("surcharge_pct", 5, {"title": "night", "pct": 20}, "LINE_SURCHARGE_PCT {'TITLE': 'NIGHT', 'PCT': 20}"),
        # What has no params and needs some stays as it was stored, and so does what the catalogue does not know.
        ("addon_fixed", 50, {}, "As stored"),
        ("tax", 50, {}, "As stored"),
        ("fine", 50, {}, "As stored"),
    ],
)
def test_a_stored_line_speaks_its_readers_language(code: str, price: int, params: dict[str, Any], text: str) -> None:
    line = Line(code=code, text="As stored", quantity=1, unit_price_minor=price, amount_minor=price, params=params)
    assert line_text(line, shout) == text
    assert line_text(msgspec.convert(msgspec.to_builtins(line), Line), shout) == text


def test_every_code_has_a_text() -> None:
    catalogue = load_catalogues()["en"]
    codes = [*LINE_CODES[:-2], "tax", "ride_minutes_free", "pause_minutes_free", "km_free"]
    assert [code for code in codes if f"line_{code}" not in catalogue] == []
    corrections = {code.removeprefix("line_correction_") for code in catalogue if code.startswith("line_correction_")}
    assert corrections == {"repark_grace", "lock_not_confirmed", "failed_ride", "late_report", Outcome.GHOST}
    assert english("line_surcharge_pct", title="Night", pct=20) == "Night, 20 %"
