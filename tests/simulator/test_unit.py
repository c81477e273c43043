from random import Random

import pytest

from isotope.iot.model import CommandName
from isotope.kernel.geo import Point, distance_m
from isotope.simulator import battery
from isotope.simulator.manners import PERFECT, TROUBLEMAKERS, WELL_BEHAVED, Manners, assign
from isotope.simulator.path import Path, offset
from isotope.simulator.unit import Unit

HERE = Point(60.17, 24.94)


def unit(manners: Manners = PERFECT, *, battery_pct: float = 90.0, locked: bool = True) -> Unit:
    return Unit(
        nr="1001",
        identity="IST-1001",
        secret="s",
        model="scooter",
        position=HERE,
        battery_pct=battery_pct,
        locked=locked,
        manners=manners,
    )


def test_it_arrives_in_the_time_given_and_the_odometer_knows_how_far() -> None:
    vehicle, path = unit(locked=False), Path([HERE, offset(HERE, 300, 0), offset(HERE, 300, 400)])
    vehicle.send_on(path, seconds=10, shown_kmh=15)
    assert [vehicle.advance(2.5) for _ in range(5)] == [False, False, False, True, False]
    assert vehicle.position == path.end
    assert vehicle.odometer_m == pytest.approx(700, abs=1)
    assert vehicle.speed_kmh == 0


def test_it_shows_the_speed_of_the_real_trip_while_it_moves_faster() -> None:
    vehicle = unit(locked=False)
    vehicle.send_on(Path([HERE, offset(HERE, 1000, 0)]), seconds=1, shown_kmh=14)
    vehicle.advance(0.5)
    assert vehicle.speed_kmh == 14
    assert distance_m(HERE, vehicle.position) == pytest.approx(500, abs=1)


def test_a_speed_limit_and_a_throttle_that_is_off_slow_it_until_they_are_lifted() -> None:
    vehicle, rng = unit(locked=False), Random(1)
    vehicle.send_on(Path([HERE, offset(HERE, 1000, 0)]), seconds=10, shown_kmh=20)
    for name, params, kmh, so_far_m in (
        (CommandName.SPEED_LIMIT, {"kmh": 10}, 10, 50),
        (CommandName.ENGINE, {"on": False}, 4, 70),
        (CommandName.ENGINE, {"on": True}, 10, 120),
        (CommandName.SPEED_LIMIT, {"kmh": 25}, 20, 220),
    ):
        assert vehicle.obey(name, params, rng).status == "done"
        assert vehicle.speed_kmh == kmh
        vehicle.advance(1)
        assert vehicle.odometer_m == pytest.approx(so_far_m, abs=1)


def test_the_way_to_the_start_of_a_line_is_ridden_too() -> None:
    vehicle = unit(locked=False)
    vehicle.send_on(Path([offset(HERE, 0, 100), offset(HERE, 0, 200)]), seconds=1, shown_kmh=14)
    vehicle.advance(1)
    assert vehicle.odometer_m == pytest.approx(200, abs=1)


def test_carried_is_not_ridden() -> None:
    vehicle = unit()
    vehicle.carry_to(offset(HERE, 5000, 0))
    assert vehicle.odometer_m == 0
    assert vehicle.battery_pct == 90


def test_forty_kilometres_empty_a_battery_and_less_than_none_is_none() -> None:
    assert battery.ridden(100, 20_000) == pytest.approx(50)
    assert battery.ridden(10, 20_000) == 0


def test_a_low_battery_is_charged_full_while_it_stands_locked() -> None:
    vehicle = unit(battery_pct=20)
    for _ in range(3600):
        vehicle.advance(1)
    assert vehicle.battery_pct == pytest.approx(98, abs=0.5)
    assert not vehicle.charging


def test_an_unlocked_vehicle_is_not_charged() -> None:
    vehicle = unit(battery_pct=20, locked=False)
    vehicle.advance(3600)
    assert vehicle.battery_pct == pytest.approx(20 - battery.IDLE_PCT_PER_HOUR)


@pytest.mark.parametrize(("pct", "before", "expected"), [
    (24.9, False, True), (24.9, True, True), (25, True, True), (97.9, True, True), (25, False, False), (98, True, False),
])  # fmt: skip
def test_when_it_charges(pct: float, before: bool, expected: bool) -> None:
    assert battery.is_charging(pct, was_charging=before) is expected


def test_unlock_and_lock_change_the_lock_and_say_so() -> None:
    vehicle, rng = unit(), Random(1)
    opened = vehicle.obey(CommandName.UNLOCK, {}, rng)
    assert (opened.status, opened.locked, opened.event, vehicle.locked) == ("done", False, "unlocked", False)
    closed = vehicle.obey(CommandName.LOCK, {}, rng)
    assert (closed.status, closed.locked, closed.event, vehicle.locked) == ("done", True, "locked", True)
    assert opened.delay_s < 1


def test_a_moving_vehicle_does_not_lock() -> None:
    vehicle = unit(locked=False)
    vehicle.send_on(Path([HERE, offset(HERE, 300, 0)]), seconds=60, shown_kmh=15)
    reply = vehicle.obey(CommandName.LOCK, {}, Random(1))
    assert (reply.status, reply.code, vehicle.locked) == ("failed", "moving", False)


def test_a_liar_says_done_and_stays_locked() -> None:
    vehicle = unit(Manners(lie=1))
    reply = vehicle.obey(CommandName.UNLOCK, {}, Random(1))
    assert (reply.status, reply.locked, vehicle.locked) == ("done", True, True)


@pytest.mark.parametrize(("manners", "status"), [(Manners(mute=1), None), (Manners(refuse=1), "failed")])
def test_the_mute_and_the_refusing_change_nothing(manners: Manners, status: str | None) -> None:
    vehicle = unit(manners)
    assert vehicle.obey(CommandName.UNLOCK, {}, Random(1)).status == status
    assert vehicle.locked


def test_a_late_one_comes_after_a_start_has_stopped_waiting() -> None:
    assert unit(Manners(late=1)).obey(CommandName.UNLOCK, {}, Random(1)).delay_s > 8


def test_other_commands() -> None:
    vehicle, rng = unit(), Random(1)
    assert vehicle.obey(CommandName.RING, {}, rng).status == "done"
    assert vehicle.obey(CommandName.REBOOT, {}, rng).reboot
    assert vehicle.obey(CommandName.LOCATE, {}, rng).event == "located"
    assert vehicle.obey(CommandName.RAW, {"text": "x"}, rng).status == "unsupported"
    assert vehicle.obey(CommandName.REPORT_INTERVAL, {"seconds": 30}, rng).status == "done"
    assert vehicle.wished_interval_s == 30


def test_it_remembers_itself() -> None:
    before, after = unit(locked=False), unit()
    before.send_on(Path([HERE, offset(HERE, 300, 0)]), seconds=1, shown_kmh=15)
    before.advance(1)
    after.remember(before.memory())
    assert after.memory() == before.memory()


def test_the_share_of_troublemakers_is_kept_and_all_kinds_occur() -> None:
    manners = assign(300, 0.04, Random(1))
    bad = [m for m in manners if m is not WELL_BEHAVED]
    assert len(bad) == 12
    assert set(map(id, bad)) == set(map(id, TROUBLEMAKERS))
