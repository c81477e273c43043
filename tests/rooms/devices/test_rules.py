"""The truth tables, row by row."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from isotope.domain.devices import rules
from isotope.domain.devices.model import (
    AckStatus,
    CommandEvent,
    CommandName,
    CommandStatus,
    DeviceCommand,
    Motion,
    Scalar,
)
from isotope.kernel.actor import SYSTEM
from isotope.kernel.ids import CommandId, DeviceId, OperatorId

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
S, E, C, A = CommandStatus, CommandEvent, CommandName, AckStatus

TABLE: dict[tuple[CommandStatus, CommandEvent], CommandStatus] = {
    (S.REQUESTED, E.CLAIMED): S.SENT,
    (S.REQUESTED, E.EXPIRED): S.EXPIRED,
    (S.REQUESTED, E.REFUSED): S.REFUSED,
    (S.SENT, E.ACCEPTED): S.ACKNOWLEDGED,
    (S.SENT, E.CONFIRMED): S.DONE,
    (S.SENT, E.FAILED): S.FAILED,
    (S.SENT, E.EXPIRED): S.EXPIRED,
    (S.ACKNOWLEDGED, E.ACCEPTED): S.ACKNOWLEDGED,
    (S.ACKNOWLEDGED, E.CONFIRMED): S.DONE,
    (S.ACKNOWLEDGED, E.FAILED): S.FAILED,
    (S.ACKNOWLEDGED, E.EXPIRED): S.EXPIRED,
}


@pytest.mark.parametrize(("status", "event"), list(itertools.product(CommandStatus, CommandEvent)))
def test_every_transition(status: CommandStatus, event: CommandEvent) -> None:
    assert rules.transition(status, event) == TABLE.get((status, event))


def test_an_outcome_is_final() -> None:
    assert {status for status in S if status.is_final} == {S.DONE, S.FAILED, S.EXPIRED, S.REFUSED}


STOPPING: list[tuple[CommandName, dict[str, Scalar]]] = [
    (C.LOCK, {}),
    (C.OPEN, {"compartment": "battery"}),
    (C.REBOOT, {}),
    (C.RAW, {"text": "sclockctrl 1"}),
    (C.ENGINE, {"on": False}),
    (C.ENGINE, {}),
    (C.SPEED_LIMIT, {"kmh": 0}),
    (C.SPEED_LIMIT, {"kmh": 6}),
    (C.SPEED_LIMIT, {}),
]
HARMLESS: list[tuple[CommandName, dict[str, Scalar]]] = [
    (C.UNLOCK, {}),
    (C.LOCATE, {}),
    (C.RING, {"seconds": 5}),
    (C.HEADLIGHT, {"on": False}),
    (C.SPEED_MODE, {"mode": "eco"}),
    (C.REPORT_INTERVAL, {"seconds": 5}),
    (C.ENGINE, {"on": True}),
    (C.SPEED_LIMIT, {"kmh": 7}),
]
FRESH, STALE = NOW - timedelta(seconds=120), NOW - timedelta(seconds=121)


def test_every_command_is_in_one_of_the_lists() -> None:
    assert {name for name, _params in [*STOPPING, *HARMLESS]} == set(CommandName)


@pytest.mark.parametrize(("name", "params"), STOPPING)
@pytest.mark.parametrize(
    ("speed_kmh", "seen_at", "code"),
    [
        (0.0, FRESH, None),
        (5.0, FRESH, None),
        (5.1, FRESH, "vehicle_moving"),
        (25.0, STALE, "vehicle_moving"),
        (0.0, STALE, "vehicle_speed_unknown"),
        (0.0, None, "vehicle_speed_unknown"),
        (None, NOW, "vehicle_speed_unknown"),
        (None, None, "vehicle_speed_unknown"),
    ],
)
def test_what_stops_is_sent_to_what_is_known_to_stand(
    name: CommandName,
    params: dict[str, Scalar],
    speed_kmh: float | None,
    seen_at: datetime | None,
    code: str | None,
) -> None:
    no = rules.may_send(name, params, Motion(speed_kmh=speed_kmh, seen_at=seen_at), NOW, 5.0)
    assert (no.code if no else None) == code


@pytest.mark.parametrize(("name", "params"), HARMLESS)
@pytest.mark.parametrize("motion", [Motion(speed_kmh=40.0, seen_at=NOW), Motion(speed_kmh=None, seen_at=None)])
def test_what_does_not_stop_is_always_sent(name: CommandName, params: dict[str, Scalar], motion: Motion) -> None:
    assert rules.may_send(name, params, motion, NOW, 5.0) is None
    assert rules.may_still_send(name, params, motion, 5.0) is None


def command(name: CommandName) -> DeviceCommand:
    return DeviceCommand(
        operator_id=OperatorId(1),
        id=CommandId(1),
        device_id=DeviceId(1),
        name=name,
        params={},
        actor=SYSTEM,
        cause="test",
        moving_kmh=5.0,
        status=S.REQUESTED,
        code=None,
        requested_at=NOW,
        expires_at=NOW + timedelta(seconds=30),
        finished_at=None,
    )


@pytest.mark.parametrize(
    ("name", "connected_at", "speed_kmh", "code"),
    [
        (C.UNLOCK, NOW + timedelta(seconds=1), 40.0, None),
        (C.LOCK, NOW + timedelta(seconds=1), 0.0, "unit_reconnected"),
        (C.LOCK, NOW, 6.0, "vehicle_moving"),
        (C.LOCK, NOW, 5.0, None),
        (C.LOCK, NOW, None, None),
    ],
)
def test_the_second_look_at_the_socket(
    name: CommandName, connected_at: datetime, speed_kmh: float | None, code: str | None
) -> None:
    motion = Motion(speed_kmh=speed_kmh, seen_at=NOW)
    assert rules.refused_at_socket(command(name), motion, connected_at) == code
    assert rules.refused_at_socket(command(C.LOCK), None, NOW) is None


@pytest.mark.parametrize(
    ("name", "status", "locked", "event", "code"),
    [
        (C.UNLOCK, A.ACCEPTED, None, E.ACCEPTED, None),
        (C.UNLOCK, A.DONE, False, E.CONFIRMED, "given"),
        (C.UNLOCK, A.DONE, True, E.FAILED, "state_disagrees"),
        (C.UNLOCK, A.DONE, None, E.ACCEPTED, None),
        (C.LOCK, A.DONE, True, E.CONFIRMED, "given"),
        (C.LOCK, A.DONE, False, E.FAILED, "state_disagrees"),
        (C.LOCK, A.DONE, None, E.ACCEPTED, None),
        (C.RING, A.DONE, None, E.CONFIRMED, "given"),
        (C.RING, A.DONE, True, E.CONFIRMED, "given"),
        (C.LOCK, A.FAILED, True, E.FAILED, "given"),
        (C.UNLOCK, A.UNSUPPORTED, None, E.FAILED, "unsupported"),
        (C.UNLOCK, A.EXPIRED, None, E.EXPIRED, "expired_in_unit"),
    ],
)
def test_what_an_answer_means(
    name: CommandName, status: AckStatus, *, locked: bool | None, event: CommandEvent, code: str | None
) -> None:
    assert rules.judge_ack(name, status, "given", locked=locked) == (event, code)


def test_a_failure_always_has_a_code() -> None:
    assert rules.judge_ack(C.LOCK, A.FAILED, None, locked=None) == (E.FAILED, "failed")


@pytest.mark.parametrize(
    ("name", "ack", "locked", "came_late", "newer", "relock"),
    [
        (C.UNLOCK, A.DONE, False, True, None, True),
        (C.UNLOCK, A.DONE, None, True, None, True),
        (C.UNLOCK, A.DONE, False, True, C.LOCK, True),
        (C.UNLOCK, A.DONE, False, True, C.UNLOCK, False),
        (C.UNLOCK, A.DONE, True, True, None, False),
        (C.UNLOCK, A.DONE, False, False, None, False),
        (C.UNLOCK, A.ACCEPTED, False, True, None, False),
        (C.UNLOCK, A.FAILED, False, True, None, False),
        (C.LOCK, A.DONE, False, True, None, False),
        (C.RING, A.DONE, False, True, None, False),
    ],
)
def test_when_a_late_unlock_is_locked_again(
    name: CommandName,
    ack: AckStatus,
    *,
    locked: bool | None,
    came_late: bool,
    newer: CommandName | None,
    relock: bool,
) -> None:
    assert rules.must_relock(name, ack, locked=locked, came_late=came_late, newer=newer) is relock


@pytest.mark.parametrize(
    ("old_address", "silent_s", "replaces"),
    [
        ("a", 0, True),
        ("b", 30, False),
        ("b", 30.5, True),
        ("b", None, True),
        (None, 0, True),
    ],
)
def test_who_keeps_the_session(old_address: str | None, silent_s: float | None, *, replaces: bool) -> None:
    assert (
        rules.may_replace_session(
            old_address=old_address,
            old_seen_at=None if silent_s is None else NOW - timedelta(seconds=silent_s),
            address="a",
            now=NOW,
            silent_after_s=30,
        )
        is replaces
    )
