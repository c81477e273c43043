"""Commands from the store over a real socket to a unit and back, for every manner of unit."""

import pytest

from isotope.domain.devices.model import CommandName, CommandStatus
from isotope.gateway.server import Gateway
from tests.gateway.conftest import Ground
from tests.kit.devices import Manner


@pytest.mark.parametrize("name", [CommandName.UNLOCK, CommandName.LOCK, CommandName.RING, CommandName.LOCATE])
async def test_an_obedient_unit_does_it(ground: Ground, gateway: Gateway, name: CommandName) -> None:
    async with ground.unit(gateway) as unit:
        command_id = await ground.order(name)
        assert (await ground.outcome(command_id)).is_done
        assert unit.commands[0].command_id == command_id


@pytest.mark.parametrize(
    ("manner", "status", "code"),
    [
        (Manner.FAIL, CommandStatus.FAILED, "jammed"),
        (Manner.UNSUPPORTED, CommandStatus.FAILED, "unsupported"),
        (Manner.LIE, CommandStatus.FAILED, "state_disagrees"),
    ],
)
async def test_what_a_unit_does_not_do_is_failed(
    ground: Ground, gateway: Gateway, manner: Manner, status: CommandStatus, code: str
) -> None:
    async with ground.unit(gateway, manner):
        outcome = await ground.outcome(await ground.order())
        assert (outcome.status, outcome.code) == (status, code)
