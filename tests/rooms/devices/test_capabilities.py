"""Names of commands and their values, as clients send them."""

import pytest

from isotope.domain import devices
from isotope.domain.devices.model import Capability, CommandName, Scalar, ValueSpec
from isotope.kernel.errors import Refusal

C = CommandName
SCOOTER = (
    Capability(command=C.UNLOCK),
    Capability(command=C.LOCK),
    Capability(command=C.ENGINE),
    Capability(command=C.LOCATE),
    Capability(command=C.RING),
    Capability(command=C.HEADLIGHT),
    Capability(command=C.SPEED_LIMIT, value=ValueSpec(type="integer", min=0, max=25)),
    Capability(command=C.SPEED_MODE, value=ValueSpec(type="string", enum=("eco", "sport"))),
    Capability(command=C.OPEN, value=ValueSpec(type="string", enum=("battery",)), staff_only=True),
    Capability(command=C.REBOOT, staff_only=True),
    Capability(command=C.REPORT_INTERVAL, staff_only=True),
    Capability(command=C.RAW),
)


@pytest.mark.parametrize(
    ("name", "value", "command", "params"),
    [
        ("unlock", None, C.UNLOCK, {}),
        ("UNLOCK", "", C.UNLOCK, {}),
        (" Lock ", None, C.LOCK, {}),
        ("ENGINE_ON", None, C.ENGINE, {"on": True}),
        ("ENGINE_OFF", None, C.ENGINE, {"on": False}),
        ("engine", "off", C.ENGINE, {"on": False}),
        ("engine", True, C.ENGINE, {"on": True}),
        ("UPDATE_GEO_INFO", None, C.LOCATE, {}),
        ("WARN", None, C.RING, {"seconds": 5}),
        ("ring", None, C.RING, {"seconds": 5}),
        ("ring", "60", C.RING, {"seconds": 60}),
        ("HEADLIGHT_OFF", None, C.HEADLIGHT, {"on": False}),
        ("MAX_SPEED_LIMIT_FROM_0_TO_25_KM/H", "20", C.SPEED_LIMIT, {"kmh": 20}),
        ("speed_limit", 25, C.SPEED_LIMIT, {"kmh": 25}),
        ("speed_mode", "eco", C.SPEED_MODE, {"mode": "eco"}),
        ("SPEED_MODE_SPORT", None, C.SPEED_MODE, {"mode": "sport"}),
        ("UNLOCK_BATTERY", None, C.OPEN, {"compartment": "battery"}),
        ("REBOOT", None, C.REBOOT, {}),
        ("report_interval", "60", C.REPORT_INTERVAL, {"seconds": 60}),
        ("raw", "getver", C.RAW, {"text": "getver"}),
    ],
)
def test_a_name_and_a_value_are_understood(
    name: str, value: object, command: CommandName, params: dict[str, Scalar]
) -> None:
    resolved = devices.resolve_command(SCOOTER, name, value, staff=True)
    assert (resolved.name, resolved.params) == (command, params)


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("fly", None, "command_unsupported"),
        ("", None, "command_unsupported"),
        ("MAX_SPEED_LIMIT_FROM_0_TO_63_KM/H", "20", "command_unsupported"),
        ("SPEED_MODE_NORMAL", None, "command_unsupported"),
        ("UNLOCK_SEAT", None, "command_unsupported"),
        ("unlock", "1", "command_value_unexpected"),
        ("ENGINE_ON", "1", "command_value_unexpected"),
        ("speed_limit", None, "command_value_invalid"),
        ("speed_limit", "26", "command_value_invalid"),
        ("speed_limit", "-1", "command_value_invalid"),
        ("speed_limit", "20.5", "command_value_invalid"),
        ("speed_limit", "٢٠", "command_value_invalid"),
        ("speed_limit", "9" * 5_000, "command_value_invalid"),
        ("speed_limit", True, "command_value_invalid"),
        ("speed_limit", {"kmh": 5}, "command_value_invalid"),
        ("ring", "0", "command_value_invalid"),
        ("ring", "61", "command_value_invalid"),
        ("engine", "perhaps", "command_value_invalid"),
        ("engine", None, "command_value_invalid"),
        ("speed_mode", "normal", "command_value_invalid"),
        ("speed_mode", 1, "command_value_invalid"),
        ("raw", "", "command_value_invalid"),
        ("raw", "x" * 257, "command_value_invalid"),
        ("raw", "a\nb", "command_value_invalid"),
        ("raw", "ä", "command_value_invalid"),
    ],
)
def test_what_is_not_understood_is_refused(name: str, value: object, code: str) -> None:
    with pytest.raises(Refusal, match=code):
        devices.resolve_command(SCOOTER, name, value, staff=True)


@pytest.mark.parametrize("name", ["reboot", "REBOOT", "UNLOCK_BATTERY", "raw"])
def test_staff_commands_are_not_a_riders(name: str) -> None:
    with pytest.raises(Refusal, match="command_staff_only"):
        devices.resolve_command(SCOOTER, name, "x", staff=False)


def test_the_refusal_says_what_would_do() -> None:
    with pytest.raises(Refusal) as no:
        devices.resolve_command(SCOOTER[:2], "fly", staff=True)
    assert no.value.details == {"accepted": ["unlock", "UNLOCK", "lock", "LOCK"]}
    with pytest.raises(Refusal) as no:
        devices.resolve_command(SCOOTER, "speed_limit", "99", staff=True)
    assert no.value.params["accepted"] == "a whole number from 0 to 25"


@pytest.mark.parametrize("staff", [True, False])
def test_every_listed_name_is_understood_with_a_fitting_value(*, staff: bool) -> None:
    listed = devices.list_commands(SCOOTER, staff=staff)
    assert len({command.name for command in listed}) == len(listed)
    for command in listed:
        value: object = None
        if command.value is not None:
            fitting = {"boolean": "true", "integer": command.value.max, "string": (command.value.enum or ("x",))[0]}
            value = fitting[command.value.type]
        assert devices.resolve_command(SCOOTER, command.name, value, staff=staff).name is command.command


def test_riders_are_not_shown_what_is_for_staff() -> None:
    commands = {command.command for command in devices.list_commands(SCOOTER, staff=False)}
    assert commands == {C.UNLOCK, C.LOCK, C.ENGINE, C.LOCATE, C.RING, C.HEADLIGHT, C.SPEED_LIMIT, C.SPEED_MODE}


def test_the_value_is_listed_with_its_type_and_range() -> None:
    listed = {command.name: command.value for command in devices.list_commands(SCOOTER, staff=True)}
    assert listed["MAX_SPEED_LIMIT_FROM_0_TO_25_KM/H"] == ValueSpec(type="integer", min=0, max=25)
    assert listed["ring"] == ValueSpec(type="integer", min=1, max=60)
    assert listed["ENGINE_ON"] is None


def test_validate_value_answers_parameters_or_a_refusal() -> None:
    limit = SCOOTER[6]
    assert devices.validate_value(limit, "12") == {"kmh": 12}
    assert isinstance(devices.validate_value(limit, "fast"), Refusal)
