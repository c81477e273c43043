"""Registration by form: an account that opens nothing until a code has shown whose number it is."""

import pytest

from isotope.domain.identity import RegisterByForm, read_rider, register_by_form
from isotope.domain.tenants.model import Operator, Settings
from isotope.infra.runtime import Runtime
from isotope.kernel.errors import Kind
from tests.kit.clock import SettableClock
from tests.kit.refusals import refused
from tests.kit.riders import make_rider, new_phone
from tests.kit.tenants import make_operator


async def send(
    rt: Runtime, operator: Operator, *, number: str, first_name: str = " Rita ", address: str | None = None
) -> None:
    await register_by_form(
        rt,
        RegisterByForm(
            operator=operator,
            first_name=first_name,
            last_name="Form",
            email="form@example.test",
            phone_prefix="+358",
            phone=number,
            address=address,
        ),
    )


async def test_a_form_makes_an_unverified_rider_without_a_token(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    number = new_phone().number
    await send(rt, operator, number=f"0{number}")
    async with rt.db.read() as tx:
        riders = await tx.tuples(
            "select name, email, phone_prefix, phone, language, phone_verified_at from rider where operator_id = %s",
            (operator.id,),
        )
        tokens = await tx.scalar("select count(*) from rider_token where operator_id = %s", (operator.id,))
    assert riders == [("Rita Form", "form@example.test", "358", number, "en", None)]
    assert tokens == 0


@pytest.mark.parametrize("verified", [True, False])
async def test_a_known_number_gets_the_same_answer_and_stays_as_it_is(rt: Runtime, *, verified: bool) -> None:
    operator = (await make_operator(rt)).operator
    known = await make_rider(rt, operator, verified=verified)
    await send(rt, operator, number=known.rider.phone)
    assert await read_rider(rt, operator.id, known.id) == known.rider


async def test_an_address_sends_so_many_forms_an_hour(rt: Runtime, clock: SettableClock) -> None:
    operator = (await make_operator(rt, settings=Settings(forms_per_address=2))).operator
    known = await make_rider(rt, operator)
    await send(rt, operator, number=known.rider.phone, address="203.0.113.7")  # known numbers count alike
    await send(rt, operator, number=new_phone().number, address="203.0.113.7")
    clock.advance(minutes=10)
    with refused("too_many_forms") as told:
        await send(rt, operator, number=new_phone().number, address="203.0.113.7")
    assert (told.it.kind, told.it.retry_after_s) == (Kind.TOO_MANY, 3_000)
    await send(rt, operator, number=new_phone().number, address="203.0.113.8")
    await send(rt, operator, number=new_phone().number)
    clock.advance(minutes=50)
    await send(rt, operator, number=new_phone().number, address="203.0.113.7")


async def test_every_fault_is_told_at_once(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    with refused("validation_failed") as told:
        await send(rt, operator, number="12", first_name="")
    assert [fault.field for fault in told.it.faults] == ["first_name", "phone"]
