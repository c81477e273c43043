"""The documentation is true: its lines are pasted into a shell, word by word."""

import asyncio
import html
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.journeys.kit.rider import DemoRider
from tests.journeys.kit.system import System, running_system
from tests.journeys.kit.waiting import come_about

pytestmark = [pytest.mark.journey, pytest.mark.asyncio]

README = Path(__file__).parents[2] / "README.md"
# What an example may be answered without being wrong: it names a vehicle that nobody rides, a code that was not sent.
EXAMPLE_MAY_MEET = {
    "already_registered",
    "code_sent_recently",
    "debt_open",
    "device_offline",
    "phone_token_invalid",
    "ride_not_found",
    "secret_key_required",
    "too_far_from_vehicle",
    "vehicle_not_available",
    "vehicle_not_found",
    "vehicle_not_ridden",
}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running_system(tmp_path_factory.mktemp("documentation") / "data", simulate=True) as running:
        yield running


async def paste(system: System, lines: str) -> str:
    """What an empty shell prints; nothing of it may go wrong."""
    shell = await asyncio.create_subprocess_exec(
        *("bash", "-eu", "-o", "pipefail", "-c", lines),
        env={**os.environ, "PORT": system.api.rsplit(":", 1)[1]},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        said, complained = await shell.communicate()
    assert (shell.returncode, complained.decode()) == (0, ""), lines
    return said.decode().strip()


def ride_lines() -> str:
    """The shell blocks of the README's chapter about a ride."""
    chapter = README.read_text().split("## Ride a scooter")[1].split("\n## ")[0]
    blocks = re.findall(r"```sh\n(.*?)```", chapter, re.DOTALL)
    assert len(blocks) == 6
    return "\n".join(blocks)


async def test_a_newcomer_rides_a_scooter_with_the_lines_of_the_readme(system: System) -> None:
    async with httpx2.AsyncClient(base_url=system.api, timeout=30) as client:
        rider = DemoRider(client)
        await rider.register()
        await come_about(rider.sees_vehicles, "the simulated fleet reports")
    *_others, ended, wallet = (await paste(system, ride_lines())).splitlines()
    assert '"payment_info"' in ended
    paid = re.search(r'"total_paid":"([0-9.]+)"', ended)
    left = re.search(r'"user_balance":([0-9.]+)', wallet)
    assert paid is not None
    assert left is not None
    assert float(paid.group(1)) > 0
    assert float(left.group(1)) == pytest.approx(10 - float(paid.group(1)))


async def test_every_line_of_the_documentation_page_works_when_pasted(system: System) -> None:
    async with httpx2.AsyncClient(base_url=system.api, timeout=30) as client:
        page = (await client.get("/api/docs")).text
        operations = (await client.get("/api/docs/openapi.json")).json()["paths"]
        blocks = [
            html.unescape(re.sub(r"<[^>]+>", "", block)) for block in re.findall(r"<pre.*?</pre>", page, re.DOTALL)
        ]
        for_a_token = next(block for block in blocks if block.startswith("BASE="))
        assert re.fullmatch(r"[\w-]{30,}", await paste(system, for_a_token))
        calls = [block for block in blocks if block.startswith("curl ")]
        assert len(calls) == sum(len(methods) for methods in operations.values())
        for call in calls:
            # One of the lines deletes its rider, another ends its token.
            rider = DemoRider(client)
            await rider.register()
            answer = json.loads(await paste(system, f"TOKEN={rider.token}\n{call}"))
            if isinstance(answer, dict) and "code" in answer:
                assert answer["code"] in EXAMPLE_MAY_MEET, (call, answer)
