"""JSON lines over TCP, for units with their own firmware: one UTF-8 object a line (docs/operate/json-lines.md).

Unknown members are ignored, so that firmware and gateway can be newer than each other; a member of the wrong type or
out of its range costs the frame. Text is plain ASCII where it is stored or compared.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from isotope.iot.lines import LineSplitter
from isotope.iot.model import (
    Ack,
    AckStatus,
    Command,
    CommandName,
    DownMessage,
    FrameError,
    Hello,
    Ping,
    Pong,
    Refused,
    RefusedReason,
    Report,
    ReportOk,
    UpMessage,
    Welcome,
)
from isotope.kernel.ids import MAX_ID, CommandId

PROTOCOL: Final = "json_lines"
# A line without its LF. The longest that we send is a raw command, some 400 bytes.
FRAME_CAP: Final = 4096

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)

# `\Z`, not `$`: that would let a line feed pass.
_Millis = Annotated[int, Meta(ge=0, le=4_102_444_800_000)]  # up to 2100
_Seq = Annotated[int, Meta(ge=0, le=2**53 - 1)]
_Identity = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._:-]{1,64}\Z")]
_Secret = Annotated[str, Meta(pattern=r"^[\x21-\x7e]{1,128}\Z")]
_Printable = Annotated[str, Meta(pattern=r"^[\x20-\x7e]{0,64}\Z")]
_Word = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,31}\Z")]
_Code = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._:-]{1,64}\Z")]
_CommandRef = Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,18}\Z")]
_Lat = Annotated[float, Meta(ge=-90, le=90)]
_Lon = Annotated[float, Meta(ge=-180, le=180)]
_Speed = Annotated[float, Meta(ge=0, le=1000)]
# A byte: what cannot be a percentage is judged with the rest of the report, not here.
_Battery = Annotated[int, Meta(ge=0, le=255)]
_Odometer = Annotated[int, Meta(ge=0, le=2**53 - 1)]
_ParamName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,31}\Z")]
_ParamText = Annotated[str, Meta(pattern=r"^[\x20-\x7e]{0,256}\Z")]
_ParamInt = Annotated[int, Meta(ge=-(2**53), le=2**53)]
_Params = Annotated[dict[_ParamName, bool | _ParamInt | _ParamText], Meta(max_length=8)]


class _Wire(msgspec.Struct, kw_only=True, omit_defaults=True, tag_field="t"):
    """Members as they are on the wire."""


class _Hello(_Wire, tag="hello"):
    id: _Identity
    secret: _Secret
    fw: _Printable = ""


class _Report(_Wire, tag="report"):
    seq: _Seq
    at: _Millis
    fix_at: _Millis | None = None
    lat: _Lat | None = None
    lon: _Lon | None = None
    speed_kmh: _Speed | None = None
    battery_pct: _Battery | None = None
    iot_battery_pct: _Battery | None = None
    locked: bool | None = None
    odometer_m: _Odometer | None = None
    event: _Word = "periodic"
    buffered: bool = False


class _Ack(_Wire, tag="ack"):
    cmd: _CommandRef
    status: AckStatus
    code: _Code | None = None
    at: _Millis | None = None
    locked: bool | None = None


class _Ping(_Wire, tag="ping"):
    pass


class _Welcome(_Wire, tag="welcome"):
    at: _Millis
    interval_s: Annotated[int, Meta(ge=1, le=86_400)]


class _Refused(_Wire, tag="refused"):
    reason: RefusedReason


class _Ok(_Wire, tag="ok"):
    seq: _Seq


class _Cmd(_Wire, tag="cmd"):
    cmd: _CommandRef
    name: CommandName
    exp: _Millis
    params: _Params | UnsetType = UNSET


class _Pong(_Wire, tag="pong"):
    pass


_up: Final[msgspec.json.Decoder[_Hello | _Report | _Ack | _Ping]] = msgspec.json.Decoder(
    _Hello | _Report | _Ack | _Ping
)
_down: Final[msgspec.json.Decoder[_Welcome | _Refused | _Ok | _Cmd | _Pong]] = msgspec.json.Decoder(
    _Welcome | _Refused | _Ok | _Cmd | _Pong
)
_encoder: Final = msgspec.json.Encoder()


def splitter() -> LineSplitter:
    """What cuts a connection's bytes into frames."""
    return LineSplitter(FRAME_CAP)


def decode_up(frame: bytes) -> UpMessage:
    """What a unit says, of one line.

    Raises:
        FrameError: it is none; the text says which member and why, never its value.
    """
    wire = _decode(_up, frame)
    match wire:
        case _Report():
            return _report(wire)
        case _Ack():
            return Ack(
                command_id=_command_id(wire.cmd),
                status=wire.status,
                code=wire.code,
                device_at=None if wire.at is None else _instant(wire.at),
                locked=wire.locked,
            )
        case _Hello():
            return Hello(identity=wire.id, secret=wire.secret, firmware=wire.fw)
        case _:
            return Ping()


def decode_down(frame: bytes) -> DownMessage:
    """What the gateway says: for units, simulated or under test.

    Raises:
        FrameError: it is no frame of the gateway.
    """
    wire = _decode(_down, frame)
    match wire:
        case _Welcome():
            return Welcome(at=_instant(wire.at), interval_s=wire.interval_s)
        case _Refused():
            return Refused(reason=wire.reason)
        case _Ok():
            return ReportOk(seq=wire.seq)
        case _Cmd():
            return Command(
                command_id=_command_id(wire.cmd),
                name=wire.name,
                params={} if wire.params is UNSET else wire.params,
                expires_at=_instant(wire.exp),
            )
        case _:
            return Pong()


def encode_up(message: UpMessage) -> bytes:
    """The line of a message, with its LF."""
    match message:
        case Hello():
            return _encode(_Hello(id=message.identity, secret=message.secret, fw=message.firmware))
        case Report():
            return _encode(
                _Report(
                    seq=message.seq,
                    at=_millis(message.device_at),
                    fix_at=None if message.fix_at is None else _millis(message.fix_at),
                    lat=message.lat,
                    lon=message.lon,
                    speed_kmh=message.speed_kmh,
                    battery_pct=message.battery_pct,
                    iot_battery_pct=message.iot_battery_pct,
                    locked=message.locked,
                    odometer_m=message.odometer_m,
                    event=message.event,
                    buffered=message.buffered,
                )
            )
        case Ack():
            return _encode(
                _Ack(
                    cmd=str(message.command_id),
                    status=message.status,
                    code=message.code,
                    at=None if message.device_at is None else _millis(message.device_at),
                    locked=message.locked,
                )
            )
        case Ping():
            return _encode(_Ping())


def encode_down(message: DownMessage) -> bytes:
    """The line of a message, with its LF."""
    match message:
        case ReportOk():
            return b'{"t":"ok","seq":%d}\n' % message.seq
        case Command():
            return _encode(
                _Cmd(
                    cmd=str(message.command_id),
                    name=message.name,
                    exp=_millis(message.expires_at),
                    params=dict(message.params) if message.params else UNSET,
                )
            )
        case Welcome():
            return _encode(_Welcome(at=_millis(message.at), interval_s=message.interval_s))
        case Refused():
            return _encode(_Refused(reason=message.reason))
        case Pong():
            return _encode(_Pong())


def _decode(decoder: msgspec.json.Decoder[Any], frame: bytes) -> Any:
    if len(frame) > FRAME_CAP:
        raise FrameError(f"a line is longer than {FRAME_CAP} bytes")
    try:
        return decoder.decode(frame)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise FrameError(str(error)) from None


def _report(wire: _Report) -> Report:
    if (wire.lat is None) != (wire.lon is None):
        raise FrameError("`lat` and `lon` come together")
    has_fix = wire.lat is not None
    return Report(
        seq=wire.seq,
        device_at=_instant(wire.at),
        # Without a time of its own the fix is as old as the report.
        fix_at=_instant(wire.at if wire.fix_at is None else wire.fix_at) if has_fix else None,
        lat=wire.lat,
        lon=wire.lon,
        speed_kmh=wire.speed_kmh,
        battery_pct=wire.battery_pct,
        iot_battery_pct=wire.iot_battery_pct,
        locked=wire.locked,
        odometer_m=wire.odometer_m,
        event=wire.event,
        buffered=wire.buffered,
    )


def _encode(wire: _Wire) -> bytes:
    return _encoder.encode(wire) + b"\n"


def _command_id(text: str) -> CommandId:
    number = int(text)
    if number > MAX_ID:
        raise FrameError("`cmd` is no command's id")
    return CommandId(number)


def _instant(millis: int) -> datetime:
    return _EPOCH + millis * _MILLISECOND


def _millis(instant: datetime) -> int:
    return (instant - _EPOCH) // _MILLISECOND
