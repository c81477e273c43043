"""The wire as the documentation has it, and what is refused."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from isotope.iot.json_lines import FRAME_CAP, decode_down, decode_up, encode_up
from isotope.iot.model import Ack, AckStatus, Command, CommandName, FrameError, Hello, Report
from isotope.kernel.ids import CommandId

PAGE = Path(__file__).parents[2] / "docs" / "operate" / "json-lines.md"
AT = datetime(2026, 6, 1, 12, 0, 0, 250_000, tzinfo=UTC)


def documented(direction: str) -> list[bytes]:
    """Lines of the page that begin with `>` (up) or `<` (down) in its examples."""
    blocks = re.findall(r"```text\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    return [line[2:].encode() for block in blocks for line in block.splitlines() if line.startswith(f"{direction} ")]


def test_the_documentation_has_every_message() -> None:
    up = {type(decode_up(line)).__name__ for line in documented(">")}
    down = {type(decode_down(line)).__name__ for line in documented("<")}
    assert up == {"Hello", "Report", "Ack", "Ping"}
    assert down == {"Welcome", "Refused", "ReportOk", "Command", "Pong"}


def test_the_documentation_has_every_command() -> None:
    page = PAGE.read_text()
    assert [name for name in CommandName if f"| `{name.value}` |" not in page] == []


def test_a_whole_report() -> None:
    line = (
        b'{"t":"report","seq":17,"at":1780315200250,"fix_at":1780315199000,"lat":60.1699,"lon":24.9384,"speed_kmh":18.5,'
        b'"battery_pct":81,"iot_battery_pct":97,"locked":false,"odometer_m":120034,"event":"moved","buffered":true}'
    )
    assert decode_up(line) == Report(
        seq=17,
        device_at=AT,
        fix_at=datetime(2026, 6, 1, 11, 59, 59, tzinfo=UTC),
        lat=60.1699,
        lon=24.9384,
        speed_kmh=18.5,
        battery_pct=81,
        iot_battery_pct=97,
        locked=False,
        odometer_m=120_034,
        event="moved",
        buffered=True,
    )


def test_a_bare_report_says_nothing_else() -> None:
    assert decode_up(b'{"t":"report","seq":0,"at":1780315200250}') == Report(seq=0, device_at=AT)


def test_a_fix_without_a_time_is_as_old_as_the_report() -> None:
    report = decode_up(b'{"t":"report","seq":0,"at":1780315200250,"lat":1,"lon":2}')
    assert isinstance(report, Report)
    assert report.fix_at == AT


def test_unknown_members_are_ignored() -> None:
    assert decode_up(b'{"t":"ack","cmd":"7","status":"done","locked":false,"x":[1,{"y":2}]}') == Ack(
        command_id=CommandId(7), status=AckStatus.DONE, locked=False
    )


@pytest.mark.parametrize(
    "line",
    [
        b'{"t":"nothing"}',
        b'{"seq":1,"at":1}',
        b'{"t":"report","seq":1}',
        b'{"t":"report","seq":"1","at":1}',
        b'{"t":"report","seq":-1,"at":1}',
        b'{"t":"report","seq":1,"at":4102444800001}',
        b'{"t":"report","seq":1,"at":1,"lat":91,"lon":0}',
        b'{"t":"report","seq":1,"at":1,"lat":0,"lon":180.1}',
        b'{"t":"report","seq":1,"at":1,"lat":60}',
        b'{"t":"report","seq":1,"at":1,"lon":24}',
        b'{"t":"report","seq":1,"at":1,"battery_pct":256}',
        b'{"t":"report","seq":1,"at":1,"speed_kmh":-1}',
        b'{"t":"report","seq":1,"at":1,"locked":1}',
        b'{"t":"report","seq":1,"at":1,"event":"Moved!"}',
        b'{"t":"report","seq":1,"at":1,"event":"moved\\n"}',
        b'{"t":"hello","id":"","secret":"x"}',
        b'{"t":"hello","id":"a b","secret":"x"}',
        b'{"t":"hello","id":"a"}',
        b'{"t":"hello","id":"a","secret":""}',
        b'{"t":"ack","cmd":7,"status":"done"}',
        b'{"t":"ack","cmd":"0","status":"done"}',
        b'{"t":"ack","cmd":"9223372036854775808","status":"done"}',
        b'{"t":"ack","cmd":"7","status":"perhaps"}',
        b'{"t":"ping"} {"t":"ping"}',
        b'{"t":"ping"',
        b'{"t":"ping","x":"' + b"x" * FRAME_CAP + b'"}',
    ],
)
def test_what_does_not_fit_costs_the_frame(line: bytes) -> None:
    with pytest.raises(FrameError):
        decode_up(line)


def test_a_frame_error_never_says_the_secret() -> None:
    with pytest.raises(FrameError) as refused:
        decode_up(b'{"t":"hello","id":"unit","secret":"top secret"}')
    assert "top secret" not in str(refused.value)


def test_a_hello_never_shows_its_secret() -> None:
    assert "hidden" not in repr(Hello(identity="unit", secret="hidden"))


def test_a_command_without_parameters_has_none_on_the_wire() -> None:
    assert decode_down(b'{"t":"cmd","cmd":"7","name":"unlock","exp":1780315200250}') == Command(
        command_id=CommandId(7), name=CommandName.UNLOCK, params={}, expires_at=AT
    )


def test_what_is_not_said_is_not_on_the_wire() -> None:
    assert encode_up(Report(seq=1, device_at=AT)) == b'{"t":"report","seq":1,"at":1780315200250}\n'
