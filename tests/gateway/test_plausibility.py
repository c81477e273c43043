"""What of a report is believed, row by row of the table."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from isotope.gateway.plausibility import UnitMemory, Verdict, judge
from isotope.iot.model import Report

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


def report(seq: int = 1, **parts: object) -> Report:
    plain = Report(seq=seq, device_at=NOW, fix_at=NOW, lat=60.17, lon=24.94, speed_kmh=10.0, battery_pct=50)
    return replace(plain, **parts)  # type: ignore[arg-type]


def test_a_good_report_is_as_it_was() -> None:
    judged = judge(report(), UnitMemory(), NOW)
    assert (judged.verdict, judged.report, judged.flags) == (Verdict.LIVE, report(), ())


@pytest.mark.parametrize(
    ("ahead", "verdict", "device_at", "flags"),
    [
        (timedelta(0), Verdict.LIVE, NOW, ()),
        (timedelta(minutes=5), Verdict.LIVE, NOW, ()),
        (timedelta(minutes=5, seconds=1), Verdict.LIVE, NOW, ("clock_ahead",)),
        (timedelta(hours=25), Verdict.LIVE, NOW, ("clock_ahead",)),
        (timedelta(hours=25, seconds=1), Verdict.DROPPED, None, ()),
        (-timedelta(hours=2), Verdict.LIVE, NOW - timedelta(hours=2), ()),
        (datetime(2000, 1, 1, tzinfo=UTC) - NOW, Verdict.LIVE, NOW, ("clock_lost",)),
    ],
)
def test_clocks(ahead: timedelta, verdict: Verdict, device_at: datetime | None, flags: tuple[str, ...]) -> None:
    judged = judge(report(device_at=NOW + ahead, fix_at=NOW + ahead), UnitMemory(), NOW)
    assert (judged.verdict, judged.flags) == (verdict, flags)
    if device_at is not None:
        assert judged.report.device_at == device_at
        assert judged.report.fix_at == device_at


def test_a_buffered_report_without_a_clock_is_dropped() -> None:
    lost = report(device_at=datetime(1980, 1, 6, tzinfo=UTC), buffered=True)
    assert judge(lost, UnitMemory(), NOW).verdict is Verdict.DROPPED


def test_a_fix_is_never_newer_than_its_report() -> None:
    judged = judge(report(device_at=NOW - timedelta(hours=1), fix_at=NOW + timedelta(days=400)), UnitMemory(), NOW)
    assert judged.report.fix_at == NOW - timedelta(hours=1)


def test_buffered_reports_are_history() -> None:
    assert judge(report(buffered=True), UnitMemory(), NOW).verdict is Verdict.HISTORY


def test_null_island_is_no_position() -> None:
    judged = judge(report(lat=0.0, lon=0.0), UnitMemory(), NOW)
    assert (judged.report.lat, judged.report.lon, judged.report.fix_at) == (None, None, None)
    assert judged.flags == ("no_fix",)
    assert judge(report(lat=0.0), UnitMemory(), NOW).flags == ()


@pytest.mark.parametrize(
    ("parts", "left", "flags"),
    [
        ({"battery_pct": 100}, {"battery_pct": 100}, ()),
        ({"battery_pct": 101}, {"battery_pct": None}, ("battery_range",)),
        ({"iot_battery_pct": 255}, {"iot_battery_pct": None, "battery_pct": 50}, ("battery_range",)),
        ({"speed_kmh": 300.0}, {"speed_kmh": 300.0}, ()),
        ({"speed_kmh": 301.0}, {"speed_kmh": None}, ("speed_range",)),
    ],
)
def test_values(parts: dict[str, object], left: dict[str, object], flags: tuple[str, ...]) -> None:
    judged = judge(report(1, **parts), UnitMemory(), NOW)
    assert judged.flags == flags
    assert {name: getattr(judged.report, name) for name in left} == left


def test_an_odometer_that_runs_back_is_marked() -> None:
    memory = UnitMemory()
    assert judge(report(1, odometer_m=1_000), memory, NOW).flags == ()
    assert judge(report(2, odometer_m=990, buffered=True), memory, NOW).flags == ()
    assert judge(report(3, odometer_m=999), memory, NOW).flags == ("odometer_back",)


def later(seq: int, seconds: float, lat: float) -> Report:
    at = NOW + timedelta(seconds=seconds)
    return report(seq, device_at=at, fix_at=at, lat=lat)


def at_once(memory: UnitMemory, given: Report) -> tuple[str, ...]:
    return judge(given, memory, given.device_at).flags


def test_a_jump_is_doubted_until_the_next_fix_agrees() -> None:
    memory = UnitMemory()
    assert at_once(memory, later(1, 0, 60.17)) == ()
    # 10 km in 60 s are 600 km/h.
    assert at_once(memory, later(2, 60, 60.26)) == ("jump",)
    assert at_once(memory, later(3, 70, 60.2601)) == ()
    assert at_once(memory, later(4, 80, 60.2602)) == ()


def test_one_lie_between_truths_is_only_a_lie() -> None:
    memory = UnitMemory()
    assert at_once(memory, later(1, 0, 60.17)) == ()
    assert at_once(memory, later(2, 10, 61.5)) == ("jump",)
    assert at_once(memory, later(3, 20, 60.1701)) == ()
    assert at_once(memory, later(4, 30, 61.5)) == ("jump",)


def test_fast_is_not_a_jump() -> None:
    memory = UnitMemory()
    assert at_once(memory, later(1, 0, 60.0)) == ()
    assert at_once(memory, later(2, 60, 60.045)) == ()  # 5 km in 60 s: 300 km/h


def test_a_standing_units_error_is_not_a_jump() -> None:
    memory = UnitMemory()
    assert at_once(memory, later(1, 0, 60.17)) == ()
    assert at_once(memory, later(2, 1, 60.1713)) == ()  # 145 m in a second


def test_a_repetition_is_recognised_though_it_is_buffered_now() -> None:
    memory = UnitMemory()
    assert judge(report(), memory, NOW).verdict is Verdict.LIVE
    assert judge(report(buffered=True), memory, NOW).verdict is Verdict.REPEATED
    assert judge(report(2), memory, NOW).verdict is Verdict.LIVE
    assert judge(report(event="moved"), memory, NOW).verdict is Verdict.LIVE
    assert judge(report(device_at=NOW - timedelta(seconds=1)), memory, NOW).verdict is Verdict.LIVE
