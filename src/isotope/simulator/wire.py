"""The unit's side of the JSON-lines protocol (docs/operate/json-lines.md): one UTF-8 object a line."""

from typing import Any, Final

import msgspec

LONGEST_LINE: Final = 4096

Frame = dict[str, Any]


class WireError(Exception):
    """The gateway sent what is not of the protocol."""


class Welcome(msgspec.Struct, frozen=True, tag_field="t", tag="welcome"):
    at: int
    interval_s: float = 0.0


class Refused(msgspec.Struct, frozen=True, tag_field="t", tag="refused"):
    reason: str = ""


class Confirmed(msgspec.Struct, frozen=True, tag_field="t", tag="ok"):
    """Everything up to `seq` is written."""

    seq: int


class Command(msgspec.Struct, frozen=True, tag_field="t", tag="cmd"):
    id: str = msgspec.field(name="cmd")
    name: str
    expires_ms: int = msgspec.field(name="exp")
    params: dict[str, Any] = {}


class Pong(msgspec.Struct, frozen=True, tag_field="t", tag="pong"):
    pass


Down = Welcome | Refused | Confirmed | Command | Pong

_decoder: Final[msgspec.json.Decoder[Down]] = msgspec.json.Decoder(Down)
_encoder: Final = msgspec.json.Encoder()


def write(frame: Frame) -> bytes:
    return _encoder.encode(frame) + b"\n"


def read(line: bytes) -> Down:
    """What the gateway said.

    Raises:
        EOFError: it hung up.
        WireError: the line is not of the protocol.
    """
    if not line:
        raise EOFError
    try:
        return _decoder.decode(line)
    except msgspec.MsgspecError as error:
        raise WireError(str(error)) from error
