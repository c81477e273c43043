"""The README is true: its lines are pasted into a shell, word by word."""

import asyncio
import os
import re
from pathlib import Path

import httpx2
import pytest

from tests.journeys.kit.rider import DemoRider
from tests.journeys.kit.system import running_system
from tests.journeys.kit.waiting import come_about

README = Path(__file__).parents[2] / "README.md"


def ride_lines() -> str:
    """The shell blocks of the chapter about a ride."""
    chapter = README.read_text().split("## Ride a scooter")[1].split("\n## ")[0]
    blocks = re.findall(r"```sh\n(.*?)```", chapter, re.DOTALL)
    assert len(blocks) == 6
    return "\n".join(blocks)


@pytest.mark.journey
async def test_a_newcomer_rides_a_scooter_with_the_lines_of_the_readme(tmp_path: Path) -> None:
    with running_system(tmp_path / "data", simulate=True) as system:
        async with httpx2.AsyncClient(base_url=system.api, timeout=30) as client:
            rider = DemoRider(client)
            await rider.register()
            await come_about(rider.sees_vehicles, "the simulated fleet reports")
        shell = await asyncio.create_subprocess_exec(
            *("bash", "-eu", "-o", "pipefail", "-c", ride_lines()),
            env={**os.environ, "PORT": system.api.rsplit(":", 1)[1]},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(60):
            said, complained = await shell.communicate()
    assert (shell.returncode, complained.decode()) == (0, "")
    *_others, ended, wallet = said.decode().strip().splitlines()
    assert '"payment_info"' in ended
    paid = re.search(r'"total_paid":"([0-9.]+)"', ended)
    left = re.search(r'"user_balance":([0-9.]+)', wallet)
    assert paid is not None
    assert left is not None
    assert float(paid.group(1)) > 0
    assert float(left.group(1)) == pytest.approx(10 - float(paid.group(1)))
