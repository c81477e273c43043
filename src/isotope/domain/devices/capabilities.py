"""Which names of commands a vehicle model answers to, and which values they take. Pure.

Every command has its neutral name (`speed_limit`) and, beside it, the names that clients of the hosted
service send (`MAX_SPEED_LIMIT_FROM_0_TO_25_KM/H`, `ENGINE_ON`, `WARN`). Names are compared without regard
to case.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from isotope.domain.devices import errors
from isotope.domain.devices.model import (
    PARAMETER,
    Capability,
    CommandName,
    ListedCommand,
    ResolvedCommand,
    Scalar,
    ValueSpec,
)
from isotope.kernel.errors import Refusal

_C = CommandName

# What a command takes where its model does not say otherwise. The bounds are those of the strictest known hardware.
USUAL_VALUES: Final[Mapping[CommandName, ValueSpec]] = {
    _C.ENGINE: ValueSpec(type="boolean"),
    _C.RING: ValueSpec(type="integer", min=1, max=60),
    _C.HEADLIGHT: ValueSpec(type="boolean"),
    _C.SPEED_LIMIT: ValueSpec(type="integer", min=0, max=63),
    _C.SPEED_MODE: ValueSpec(type="string", enum=("eco", "normal", "sport")),
    _C.OPEN: ValueSpec(type="string", enum=("battery", "top_case", "helmet", "seat")),
    _C.REPORT_INTERVAL: ValueSpec(type="integer", min=5, max=86_400),
    _C.RAW: ValueSpec(type="string", min=1, max=256),
}
# Where a value may be left out.
_DEFAULTS: Final[Mapping[CommandName, Scalar]] = {_C.RING: 5}

_WHOLE_NUMBER: Final = re.compile(r"-?[0-9]{1,9}\Z")
_TRUE: Final = frozenset({"true", "1", "on", "yes"})
_FALSE: Final = frozenset({"false", "0", "off", "no"})

# Name of the hosted service -> the value that the name itself says.
_ALIASES: Final[Mapping[CommandName, Sequence[tuple[str, Scalar | None]]]] = {
    _C.UNLOCK: (("UNLOCK", None),),
    _C.LOCK: (("LOCK", None),),
    _C.ENGINE: (("ENGINE_ON", True), ("ENGINE_OFF", False)),
    _C.LOCATE: (("UPDATE_GEO_INFO", None),),
    _C.RING: (("WARN", 5),),
    _C.HEADLIGHT: (("HEADLIGHT_ON", True), ("HEADLIGHT_OFF", False)),
    _C.SPEED_MODE: (("SPEED_MODE_ECO", "eco"), ("SPEED_MODE_NORMAL", "normal"), ("SPEED_MODE_SPORT", "sport")),
    _C.OPEN: (("UNLOCK_BATTERY", "battery"), ("UNLOCK_TOP_CASE", "top_case"), ("UNLOCK_HELMET", "helmet"), ("UNLOCK_SEAT", "seat")),
    _C.REBOOT: (("REBOOT", None),),
}  # fmt: skip


def value_spec(capability: Capability) -> ValueSpec | None:
    """The value that the command takes on this model; None: it takes none."""
    if capability.command not in PARAMETER:
        return None
    return capability.value or USUAL_VALUES[capability.command]


def list_commands(capabilities: Sequence[Capability], *, staff: bool) -> list[ListedCommand]:
    """Every name that `resolve_command` takes, neutral names first within each command."""
    return [
        ListedCommand(
            name=name,
            command=capability.command,
            value=value_spec(capability) if fixed is None else None,
            staff_only=capability.staff_only,
        )
        for capability in capabilities
        if staff or not _is_staff_only(capability)
        for name, fixed in _names(capability)
    ]


def resolve_command(
    capabilities: Sequence[Capability], name: str, value: object = None, *, staff: bool
) -> ResolvedCommand:
    """What is meant by a name and a value, as they come from outside.

    `value` may be text ("25", "on") or the JSON value itself; it is checked against the model's capability.

    Raises:
        Refusal: `command_unsupported`, `command_staff_only`, `command_value_invalid`, `command_value_unexpected`.
    """
    wanted = name.strip().casefold()
    for capability in capabilities:
        for known, fixed in _names(capability):
            if known.casefold() != wanted:
                continue
            if not staff and _is_staff_only(capability):
                raise errors.command_staff_only(name)
            return ResolvedCommand(name=capability.command, params=_params(capability, known, fixed, value))
    raise errors.command_unsupported(name, [command.name for command in list_commands(capabilities, staff=staff)])


def validate_value(capability: Capability, value: object) -> Mapping[str, Scalar] | Refusal:
    """The command's parameters for a value, or the refusal that says what would be accepted."""
    try:
        return _params(capability, capability.command, None, value)
    except Refusal as refusal:
        return refusal


def _is_staff_only(capability: Capability) -> bool:
    # Raw text reaches the unit unseen: never a rider's, whatever a folder says.
    return capability.staff_only or capability.command is _C.RAW


def _names(capability: Capability) -> list[tuple[str, Scalar | None]]:
    spec = value_spec(capability)
    names: list[tuple[str, Scalar | None]] = [(capability.command.value, None)]
    if capability.command is _C.SPEED_LIMIT and spec is not None:
        names.append((f"MAX_SPEED_LIMIT_FROM_{spec.min or 0}_TO_{spec.max}_KM/H", None))
    for alias, fixed in _ALIASES.get(capability.command, ()):
        if fixed is None or spec is None or _fits(spec, fixed):
            # `UNLOCK` and `unlock` are one name to us, but clients look for theirs in the list.
            names.append((alias, fixed))
    return names


def _params(capability: Capability, name: str, fixed: Scalar | None, value: object) -> Mapping[str, Scalar]:
    spec = value_spec(capability)
    if spec is None or fixed is not None:
        if value not in (None, ""):
            raise errors.command_value_unexpected(name)
        return {} if fixed is None else {PARAMETER[capability.command]: fixed}
    if value is None or value == "":
        value = _DEFAULTS.get(capability.command)
    read = _read(spec, value)
    if read is None or not _fits(spec, read):
        raise errors.command_value_invalid(name, describe(spec))
    return {PARAMETER[capability.command]: read}


def _read(spec: ValueSpec, value: object) -> Scalar | None:
    """The value as the type that the spec asks for, or None."""
    match spec.type:
        case "boolean":
            text = str(value).strip().casefold()
            return True if text in _TRUE else False if text in _FALSE else None
        case "integer":
            if isinstance(value, bool):
                return None
            if isinstance(value, int):
                return value
            text = str(value).strip()
            return int(text) if _WHOLE_NUMBER.match(text) else None
        case "string":
            return value.strip() if isinstance(value, str) else None


def _fits(spec: ValueSpec, value: Scalar) -> bool:
    match spec.type:
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and _between(spec, value)
        case "string":
            if not isinstance(value, str):
                return False
            if spec.enum:
                return value in spec.enum
            return _between(spec, len(value)) and value.isascii() and value.isprintable()


def _between(spec: ValueSpec, number: int) -> bool:
    return (spec.min is None or number >= spec.min) and (spec.max is None or number <= spec.max)


def describe(spec: ValueSpec) -> str:
    """What would be accepted, in words for a refusal."""
    match spec.type:
        case "boolean":
            return "true or false"
        case "integer":
            return f"a whole number from {spec.min} to {spec.max}"
        case "string":
            if spec.enum:
                return "one of " + ", ".join(spec.enum)
            return f"plain ASCII text of {spec.min or 0} to {spec.max or 256} characters"
