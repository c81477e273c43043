"""`isotope sandbox-cards` as a process: found by its data folder, killed, started again."""

import os
import signal
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from isotope.adapters.cards import SandboxCards
from isotope.adapters.cards.sandbox_place import SandboxPlace, claim_place, read_place, sandbox_folder
from isotope.domain.payments.model import Merchant
from isotope.domain.payments.ports import StartSetup
from isotope.kernel.ids import OperatorId, RiderId
from tests.kit.waiting import wait_until

MERCHANT = Merchant(operator_id=OperatorId(7))


@contextmanager
def running(data: Path, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ISOTOPE_")}
    command = [sys.executable, "-m", "isotope", "sandbox-cards", "--webhook-url", "http://127.0.0.1:9/"]
    with (
        (data / "log").open("ab") as log,
        subprocess.Popen(
            command,
            env={**environ, "ISOTOPE_MODE": "test", "ISOTOPE_DATA": str(data), **settings},
            stdout=log,
            stderr=log,
        ) as process,
    ):
        try:
            wait_until(lambda: process.poll() is not None or _answers(data), "it answers")
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(20)


def second_start(data: Path) -> str:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ISOTOPE_")}
    done = subprocess.run(
        [sys.executable, "-m", "isotope", "sandbox-cards"],
        env={**environ, "ISOTOPE_MODE": "test", "ISOTOPE_DATA": str(data)},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 1
    return done.stderr


def _answers(data: Path) -> bool:
    place = read_place(data)
    try:
        with urllib.request.urlopen(f"{place.url}/health", timeout=2) as answer:  # type: ignore[union-attr]  # noqa: S310
            return bool(answer.status == 200)
    except (OSError, AttributeError):
        return False


def cards_of(place: SandboxPlace) -> SandboxCards:
    return SandboxCards(url=place.url, key=place.key, webhook_secret=place.webhook_secret)


def place_of(data: Path) -> SandboxPlace:
    found = read_place(data)
    assert found is not None
    return found


async def test_a_killed_one_remembers(tmp_path: Path) -> None:
    what = StartSetup(
        merchant=MERCHANT,
        key="k",
        rider_id=RiderId(1),
        customer_ref=None,
        return_url="http://a/",
        cancel_url="http://b/",
        language="en",
    )
    with running(tmp_path) as process:
        first = place_of(tmp_path)
        started = await cards_of(first).start_setup(what)
        assert started.redirect_url.startswith(first.url)
        assert "runs on" in second_start(tmp_path)
        assert place_of(tmp_path) == first
        process.send_signal(signal.SIGKILL)
        process.wait(20)
    with running(tmp_path) as process:
        second = place_of(tmp_path)
        assert (await cards_of(second).find_setup(MERCHANT, started.setup_ref)).status == "PENDING"
        assert await cards_of(second).start_setup(what) == started
        process.terminate()
        assert process.wait(20) == 0
    assert (second.key, second.webhook_secret) == (first.key, first.webhook_secret)
    log = (tmp_path / "log").read_text()
    assert first.key not in log
    assert first.webhook_secret not in log
    assert "Traceback" not in log


def test_production_has_none(tmp_path: Path) -> None:
    with running(tmp_path, ISOTOPE_MODE="production") as process:
        assert process.poll() == 1
    assert "production refuses it" in (tmp_path / "log").read_text()
    assert read_place(tmp_path) is None


def test_the_place_is_its_owners_alone(tmp_path: Path) -> None:
    made = claim_place(tmp_path, "http://127.0.0.1:1/")
    path = sandbox_folder(tmp_path) / "place.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert made == place_of(tmp_path)
    assert min(len(made.key), len(made.webhook_secret)) > 20
    assert made.key != made.webhook_secret
    again = claim_place(tmp_path, "http://127.0.0.1:2", webhook_secret="given")
    assert (again.url, again.key, again.webhook_secret) == ("http://127.0.0.1:2", made.key, "given")
    path.write_text("{")
    assert read_place(tmp_path) is None
