"""Telling a rider something: in their language, once, and only where the number is theirs."""

import pytest

from isotope.domain.identity import DeleteRider, SmsFailed, TellRider, delete_rider, tell_later, tell_rider
from isotope.domain.tenants import Operators
from isotope.domain.tenants.model import Settings
from isotope.domain.zones import Zones
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SECRET_KEY
from isotope.kernel.ids import RiderId
from tests.kit.jobs import JobServices, run_due_jobs
from tests.kit.riders import make_rider
from tests.kit.sms import RecordingSms
from tests.kit.tenants import OperatorKit, make_operator

pytestmark = pytest.mark.asyncio

OWN = Settings(texts={"fi": {"funds_low": "{operator}: jäljellä {left}"}})


def message(kit: OperatorKit, rider_id: RiderId) -> TellRider:
    return TellRider(
        operator=kit.operator,
        rider_id=rider_id,
        code="funds_low",
        params={"left": "2.00 EUR", "vehicle": "T1"},
    )


async def test_a_message_comes_in_the_riders_language_and_the_operators_wording(rt: Runtime) -> None:
    kit = await make_operator(rt, settings=OWN, languages=("fi", "en"))
    rider, sms = await make_rider(rt, kit.operator), RecordingSms()
    assert await tell_rider(rt, sms, message(kit, rider.id))
    assert sms.sent == [(rider.rider.phone_prefix + rider.rider.phone, "Test City: jäljellä 2.00 EUR")]


async def test_a_message_is_a_job_of_the_transaction_of_its_reason(rt: Runtime) -> None:
    kit = await make_operator(rt)
    rider, sms = await make_rider(rt, kit.operator), RecordingSms()
    services = JobServices(rt=rt, operators=Operators(rt), zones=Zones(rt), sms=sms)

    async def reason_that_fails() -> None:
        async with rt.db.write() as tx:
            await tell_later(tx, rt, message(kit, rider.id))
            raise RuntimeError("rolled back")

    with pytest.raises(RuntimeError, match="rolled back"):
        await reason_that_fails()
    assert await run_due_jobs(services, kit.operator.id) == []
    async with rt.db.write() as tx:
        await tell_later(tx, rt, message(kit, rider.id))
    assert await run_due_jobs(services, kit.operator.id) == ["tell_rider"]
    [(_number, body)] = sms.sent
    assert body.startswith("Test City: your ride with T1 has 2.00 EUR left.")


async def test_a_number_that_nobody_showed_to_be_theirs_gets_nothing(rt: Runtime) -> None:
    kit = await make_operator(rt)
    rider, sms = await make_rider(rt, kit.operator, verified=False), RecordingSms()
    assert not await tell_rider(rt, sms, message(kit, rider.id))
    assert sms.sent == []


async def test_a_message_that_does_not_go_out_is_not_sent_again(rt: Runtime) -> None:
    kit = await make_operator(rt)
    rider, sms = await make_rider(rt, kit.operator), RecordingSms()
    sms.fail_with = SmsFailed("no answer")
    assert not await tell_rider(rt, sms, message(kit, rider.id))


async def test_a_rider_who_is_gone_gets_nothing(rt: Runtime) -> None:
    kit = await make_operator(rt)
    rider, sms = await make_rider(rt, kit.operator), RecordingSms()
    await delete_rider(rt, (), DeleteRider(operator=kit.operator, rider_id=rider.id, actor=SECRET_KEY, hard=True))
    assert not await tell_rider(rt, sms, message(kit, rider.id))
    assert sms.sent == []
