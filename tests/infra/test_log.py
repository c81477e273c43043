"""What is in a log line, and what never is."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import structlog

from isotope.infra.config import Config
from isotope.infra.log import bind, configure_logging


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    config = structlog.get_config()
    yield
    root.handlers, root.level = handlers, level
    structlog.configure(**config)


def _lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_is_json_with_what_is_bound(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Config(), "api-1")
    with bind(request_id="r1", operator_id=7):
        structlog.get_logger("here").info("ride.started", ride_id=12)
    structlog.get_logger("here").debug("not.shown")
    [line] = _lines(capsys)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "ride.started",
        "level": "info",
        "process": "api-1",
        "request_id": "r1",
        "operator_id": 7,
        "ride_id": 12,
    }


def test_secrets_and_personal_data_are_masked(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Config(), "api-1")
    structlog.get_logger("here").warning(
        "sent to anna@example.test",
        phone="358501234567",
        phone_token="p",
        Authorization="Bearer abc",
        code="123456",
        headers={"App-Public-Key": "demo", "app_secret_key": "s", "Accept": "json"},
        riders=[{"email": "anna@example.test", "id": 5}],
        url="postgresql://isotope:hunter2@db/isotope",
        ride_id=12,
    )
    output = capsys.readouterr().err
    for private in ("anna", "358501234567", "abc", "123456", "hunter2", '"s"'):
        assert private not in output
    line = json.loads(output)
    assert line["url"] == "postgresql://isotope:***@db/isotope"
    assert line["riders"] == [{"email": "***", "id": 5}]
    assert (line["ride_id"], line["headers"]["Accept"]) == (12, "json")


def test_an_error_has_its_place_but_not_the_rows_of_the_store(
    capsys: pytest.CaptureFixture[str], database_url: str
) -> None:
    configure_logging(Config(), "api-1")
    with psycopg.connect(database_url) as connection:
        connection.execute("create temporary table person (phone text unique)")
        connection.execute("insert into person values ('358501234567')")
        try:
            connection.execute("insert into person values ('358501234567')")
        except psycopg.Error:
            structlog.get_logger("here").exception("failed")
        connection.rollback()
    output = capsys.readouterr().err
    assert "358501234567" not in output
    line = json.loads(output)
    assert line["error"] == "UniqueViolation"
    assert "duplicate key" in line["message"]
    assert any("test_log.py" in frame for frame in line["trace"])


def test_libraries_log_in_the_same_form(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Config(), "worker")
    logging.getLogger("procrastinate.worker").info("chatter")
    logging.getLogger("psycopg.pool").warning("error connecting in %r", "pool-1")
    [line] = _lines(capsys)
    assert (line["event"], line["level"], line["process"]) == ("error connecting in 'pool-1'", "warning", "worker")


def test_the_console_format_masks_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Config(log_format="console"), "api-1")
    structlog.get_logger("here").info("hello", password="x-secret-x", ride_id=3)
    output = capsys.readouterr().err
    assert "hello" in output
    assert "x-secret-x" not in output
