"""Drivers come in by a code to their phone."""

import pytest

from isotope.domain.drivers import DriverStatus, LogInDriver, find_driver_by_token, log_in_driver
from isotope.domain.identity.model import Flow
from isotope.infra.runtime import Runtime
from isotope.kernel.errors import Refusal
from tests.kit.clock import SettableClock
from tests.kit.drivers import make_driver, new_driver_phone
from tests.kit.riders import make_rider
from tests.kit.sms import RecordingSms, verified_token
from tests.kit.tenants import make_operator


async def test_a_known_number_gets_a_token(rt: Runtime, clock: SettableClock) -> None:
    operator, phone = (await make_operator(rt)).operator, new_driver_phone()
    dora = await make_driver(rt, operator, phone=phone)
    token = await verified_token(rt, RecordingSms(), operator, phone, Flow.DRIVER)
    session = await log_in_driver(rt, LogInDriver(operator=operator, phone_token=token))
    assert session.driver_id == dora.id
    found = await find_driver_by_token(rt, operator.id, session.token)
    assert found is not None
    assert found.id == dora.id
    clock.advance(days=operator.settings.rider_token_days)
    assert await find_driver_by_token(rt, operator.id, session.token) is None


async def test_the_code_of_a_rider_opens_nothing_here(rt: Runtime) -> None:
    operator, phone = (await make_operator(rt)).operator, new_driver_phone()
    await make_driver(rt, operator, phone=phone)
    await make_rider(rt, operator, phone=phone)
    token = await verified_token(rt, RecordingSms(), operator, phone, Flow.LOGIN)
    with pytest.raises(Refusal, match="phone_token_other_flow"):
        await log_in_driver(rt, LogInDriver(operator=operator, phone_token=token))


@pytest.mark.parametrize("status", [DriverStatus.RETIRED, None])
async def test_nobody_becomes_a_driver_by_a_phone(rt: Runtime, status: DriverStatus | None) -> None:
    operator, phone = (await make_operator(rt)).operator, new_driver_phone()
    if status is not None:
        await make_driver(rt, operator, phone=phone, status=status)
    # A driver of that number elsewhere is none here.
    await make_driver(rt, (await make_operator(rt)).operator, phone=phone)
    token = await verified_token(rt, RecordingSms(), operator, phone, Flow.DRIVER)
    with pytest.raises(Refusal, match="driver_not_found"):
        await log_in_driver(rt, LogInDriver(operator=operator, phone_token=token))
    with pytest.raises(Refusal, match="phone_token_invalid"):
        await log_in_driver(rt, LogInDriver(operator=operator, phone_token=token))


async def test_who_is_blocked_comes_in_to_see_their_balance(rt: Runtime) -> None:
    operator, phone = (await make_operator(rt)).operator, new_driver_phone()
    dora = await make_driver(rt, operator, phone=phone, status=DriverStatus.BLOCKED)
    token = await verified_token(rt, RecordingSms(), operator, phone, Flow.DRIVER)
    session = await log_in_driver(rt, LogInDriver(operator=operator, phone_token=token))
    assert await find_driver_by_token(rt, operator.id, session.token) is not None
    assert session.driver_id == dora.id
