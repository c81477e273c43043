"""Any message that the types allow, within what the wire can carry."""

import string
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from hypothesis import strategies as st

from isotope.iot.model import (
    PARAMETER,
    Ack,
    AckStatus,
    Command,
    CommandName,
    DownMessage,
    Hello,
    Ping,
    Pong,
    Refused,
    RefusedReason,
    Report,
    ReportOk,
    Scalar,
    UpMessage,
    Welcome,
)
from isotope.kernel.ids import MAX_ID, CommandId

T = TypeVar("T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PRINTABLE = "".join(chr(code) for code in range(0x20, 0x7F))
_NAME = string.ascii_letters + string.digits + "._:-"

instants = st.integers(0, 4_102_444_800_000).map(lambda ms: _EPOCH + timedelta(milliseconds=ms))
seqs = st.integers(0, 2**53 - 1)
command_ids = st.integers(1, MAX_ID).map(CommandId)
words = st.from_regex(r"\A[a-z][a-z0-9_]{0,31}\Z")
codes = st.text(_NAME, min_size=1, max_size=64)


def maybe(strategy: st.SearchStrategy[T]) -> st.SearchStrategy[T | None]:
    return st.none() | strategy


hellos = st.builds(
    Hello,
    identity=codes,
    secret=st.text(_PRINTABLE[1:], min_size=1, max_size=128),
    firmware=st.text(_PRINTABLE, max_size=64),
)


@st.composite
def reports(draw: st.DrawFn) -> Report:
    has_fix = draw(st.booleans())
    return Report(
        seq=draw(seqs),
        device_at=draw(instants),
        fix_at=draw(instants) if has_fix else None,
        lat=draw(st.floats(-90, 90)) if has_fix else None,
        lon=draw(st.floats(-180, 180)) if has_fix else None,
        speed_kmh=draw(maybe(st.floats(0, 1000))),
        battery_pct=draw(maybe(st.integers(0, 255))),
        iot_battery_pct=draw(maybe(st.integers(0, 255))),
        locked=draw(maybe(st.booleans())),
        odometer_m=draw(maybe(st.integers(0, 2**53 - 1))),
        event=draw(words),
        buffered=draw(st.booleans()),
    )


acks = st.builds(
    Ack,
    command_id=command_ids,
    status=st.sampled_from(AckStatus),
    code=maybe(codes),
    device_at=maybe(instants),
    locked=maybe(st.booleans()),
)

up_messages: st.SearchStrategy[UpMessage] = hellos | reports() | acks | st.just(Ping())

_params: st.SearchStrategy[dict[str, Scalar]] = st.one_of(
    st.just({}),
    st.sampled_from(sorted(set(PARAMETER.values()))).flatmap(
        lambda name: st.fixed_dictionaries(
            {name: st.booleans() | st.integers(-(2**53), 2**53) | st.text(_PRINTABLE, max_size=256)}
        )
    ),
)

down_messages: st.SearchStrategy[DownMessage] = st.one_of(
    st.builds(Welcome, at=instants, interval_s=st.integers(1, 86_400)),
    st.builds(Refused, reason=st.sampled_from(RefusedReason)),
    st.builds(ReportOk, seq=seqs),
    st.builds(Command, command_id=command_ids, name=st.sampled_from(CommandName), params=_params, expires_at=instants),
    st.just(Pong()),
)
