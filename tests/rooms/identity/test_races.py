"""What must hold when everybody comes at the same moment. Only a real database passes these."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterable

import pytest_asyncio

from isotope.domain.identity import (
    Flow,
    LogInRider,
    Phone,
    RefreshToken,
    RegisterByForm,
    RegisterRider,
    Session,
    VerifyPhoneCode,
    hash_token,
    log_in_rider,
    refresh_token,
    register_by_form,
    register_rider,
    verify_phone_code,
)
from isotope.domain.tenants.model import OtpSettings, Settings
from isotope.infra.runtime import Runtime
from isotope.kernel.errors import Refusal
from tests.kit.clock import SettableClock
from tests.kit.riders import make_rider, new_phone
from tests.kit.sms import RecordingSms, ask_for_code, verified_token
from tests.kit.tenants import make_operator

AT_ONCE = 50
CONNECTIONS = 8  # of the fixture `db`


@pytest_asyncio.fixture(autouse=True)
async def _all_connections_are_open(rt: Runtime) -> None:
    """A pool that is still growing would let the first callers through one by one."""
    everybody_is_in = asyncio.Barrier(CONNECTIONS)

    async def come_in() -> None:
        async with rt.db.read():
            await everybody_is_in.wait()

    await asyncio.gather(*(come_in() for _ in range(CONNECTIONS)))


async def outcomes(calls: Iterable[Awaitable[object]]) -> Counter[str]:
    """How often each refusal came, and "done"."""
    ends = await asyncio.gather(*calls, return_exceptions=True)
    told: Counter[str] = Counter()
    for end in ends:
        if isinstance(end, Refusal):
            told[end.code] += 1
        elif isinstance(end, BaseException):
            raise end
        else:
            told["done"] += 1
    return told


async def test_fifty_requests_for_one_number_send_one_code(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    sms, phone = RecordingSms(), new_phone()
    told = await outcomes(ask_for_code(rt, sms, operator, phone, Flow.LOGIN) for _ in range(AT_ONCE))
    assert told == {"done": 1, "code_sent_recently": AT_ONCE - 1}
    assert len(sms.sent) == 1


async def test_the_limit_of_a_number_is_exact(rt: Runtime, clock: SettableClock) -> None:
    settings = Settings(otp=OtpSettings(sends_per_number=2))
    operator = (await make_operator(rt, settings=settings)).operator
    sms, phone = RecordingSms(), new_phone()
    total: Counter[str] = Counter()
    for _ in range(3):
        total += await outcomes(ask_for_code(rt, sms, operator, phone, Flow.LOGIN) for _ in range(AT_ONCE))
        clock.advance(seconds=60)
    assert total["done"] == len(sms.sent) == 2
    assert total["too_many_codes_number"] == AT_ONCE


async def test_the_limit_of_an_address_is_exact(rt: Runtime) -> None:
    settings = Settings(otp=OtpSettings(sends_per_address=7))
    operator = (await make_operator(rt, settings=settings)).operator
    sms = RecordingSms()
    # Of two countries: their counts are kept apart, only the address is shared.
    phones = [new_phone() if nr % 2 else Phone(prefix="371", number=f"2100{nr:04d}") for nr in range(AT_ONCE)]
    told = await outcomes(ask_for_code(rt, sms, operator, phone, Flow.LOGIN, "203.0.113.7") for phone in phones)
    assert told == {"done": 7, "too_many_codes_address": AT_ONCE - 7}
    assert len(sms.sent) == 7


async def test_the_limit_of_a_prefix_is_exact(rt: Runtime) -> None:
    settings = Settings(otp=OtpSettings(sends_per_prefix=7))
    operator = (await make_operator(rt, settings=settings)).operator
    sms = RecordingSms()
    told = await outcomes(
        ask_for_code(rt, sms, operator, new_phone(), Flow.LOGIN, f"203.0.113.{nr}") for nr in range(AT_ONCE)
    )
    assert told == {"done": 7, "too_many_codes_prefix": AT_ONCE - 7}
    assert len(sms.sent) == 7


async def test_fifty_guesses_at_once_are_five_checks(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    sms, phone = RecordingSms(), new_phone()
    asked = await ask_for_code(rt, sms, operator, phone, Flow.LOGIN)
    wrong = VerifyPhoneCode(operator=operator, phone_token=asked.phone_token, code=sms.wrong_code_for(phone))
    told = await outcomes(verify_phone_code(rt, wrong) for _ in range(AT_ONCE))
    assert told == {"wrong_code": 5, "too_many_checks": AT_ONCE - 5}


async def test_a_code_is_told_once(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    sms, phone = RecordingSms(), new_phone()
    asked = await ask_for_code(rt, sms, operator, phone, Flow.LOGIN)
    right = VerifyPhoneCode(operator=operator, phone_token=asked.phone_token, code=sms.code_for(phone))
    told = await outcomes(verify_phone_code(rt, right) for _ in range(AT_ONCE))
    assert told == {"done": 1, "phone_token_invalid": AT_ONCE - 1}


async def test_a_verified_token_registers_once(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    token = await verified_token(rt, RecordingSms(), operator, new_phone(), Flow.REGISTER)
    command = RegisterRider(operator=operator, phone_token=token, name="Rita", email="rita@example.test")
    told = await outcomes(register_rider(rt, command) for _ in range(AT_ONCE))
    assert told == {"done": 1, "phone_token_invalid": AT_ONCE - 1}


async def test_two_runs_of_one_number_make_one_rider_even_beside_forms(rt: Runtime, clock: SettableClock) -> None:
    operator = (await make_operator(rt)).operator
    sms, phone = RecordingSms(), new_phone()
    tokens = []
    for _ in range(3):
        tokens.append(await verified_token(rt, sms, operator, phone, Flow.REGISTER))
        clock.advance(seconds=60)
    form = RegisterByForm(
        operator=operator,
        first_name="Rita",
        last_name="Form",
        email="form@example.test",
        phone_prefix=phone.prefix,
        phone=phone.number,
    )

    async def register(token: str) -> Session:
        return await register_rider(
            rt, RegisterRider(operator=operator, phone_token=token, name="Rita", email="rita@example.test")
        )

    told = await outcomes([register_by_form(rt, form), *map(register, tokens), register_by_form(rt, form)])
    assert told == {"done": 3, "already_registered": 2}
    async with rt.db.read() as tx:
        names = await tx.tuples("select name from rider where operator_id = %s", (operator.id,))
    assert names == [("Rita",)]


async def test_a_form_at_the_same_moment_takes_no_number_from_who_has_its_code(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    sms = RecordingSms()
    phones = [new_phone() for _ in range(AT_ONCE)]
    tokens = [await verified_token(rt, sms, operator, phone, Flow.REGISTER) for phone in phones]

    async def register(token: str) -> Session:
        return await register_rider(
            rt, RegisterRider(operator=operator, phone_token=token, name="Rita", email="rita@example.test")
        )

    async def send_form(phone: Phone) -> None:
        await register_by_form(
            rt,
            RegisterByForm(
                operator=operator,
                first_name="Rita",
                last_name="Form",
                email="form@example.test",
                phone_prefix=phone.prefix,
                phone=phone.number,
            ),
        )

    both = [call for phone, token in zip(phones, tokens, strict=True) for call in (register(token), send_form(phone))]
    assert await outcomes(both) == {"done": 2 * AT_ONCE}


async def test_a_verified_token_logs_in_once(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    known = await make_rider(rt, operator)
    phone = Phone(prefix=known.rider.phone_prefix, number=known.rider.phone)
    token = await verified_token(rt, RecordingSms(), operator, phone, Flow.LOGIN)
    told = await outcomes(log_in_rider(rt, LogInRider(operator=operator, phone_token=token)) for _ in range(AT_ONCE))
    assert told == {"done": 1, "phone_token_invalid": AT_ONCE - 1}


async def test_of_many_refreshes_of_one_token_one_wins(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    known = await make_rider(rt, operator)
    command = RefreshToken(operator=operator, rider_id=known.id, token_hash=hash_token(known.token))
    told = await outcomes(refresh_token(rt, command) for _ in range(AT_ONCE))
    assert told == {"done": 1, "unauthorized": AT_ONCE - 1}


async def test_the_limit_of_forms_is_exact(rt: Runtime) -> None:
    operator = (await make_operator(rt, settings=Settings(forms_per_address=7))).operator

    async def send_form(phone: Phone) -> None:
        await register_by_form(
            rt,
            RegisterByForm(
                operator=operator,
                first_name="Rita",
                last_name="Form",
                email="form@example.test",
                phone_prefix=phone.prefix,
                phone=phone.number,
                address="203.0.113.7",
            ),
        )

    told = await outcomes(send_form(new_phone()) for _ in range(AT_ONCE))
    assert told == {"done": 7, "too_many_forms": AT_ONCE - 7}
