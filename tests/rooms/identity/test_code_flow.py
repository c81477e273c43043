"""The code flow on the real store: ask, tell, come in."""

from typing import Any

import pytest

from isotope.domain.identity import (
    Flow,
    LogInRider,
    Phone,
    RegisterRider,
    RequestPhoneVerification,
    Session,
    SmsFailed,
    VerifyPhoneCode,
    find_rider_by_token,
    log_in_rider,
    register_rider,
    request_phone_verification,
    verify_phone_code,
)
from isotope.domain.tenants.model import Operator, OtpSettings, Settings
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.errors import Kind
from tests.kit.clock import SettableClock
from tests.kit.refusals import refused
from tests.kit.riders import make_rider, new_phone
from tests.kit.sms import RecordingSms, ask_for_code, verified_token
from tests.kit.tenants import make_operator


async def register(rt: Runtime, operator: Operator, token: str, name: str = "Rita Rider") -> Session:
    return await register_rider(
        rt, RegisterRider(operator=operator, phone_token=token, name=name, email="rita@example.test")
    )


async def log_in(rt: Runtime, operator: Operator, token: str) -> Session:
    return await log_in_rider(rt, LogInRider(operator=operator, phone_token=token))


async def verify(rt: Runtime, operator: Operator, token: str, code: str | None) -> str:
    return await verify_phone_code(rt, VerifyPhoneCode(operator=operator, phone_token=token, code=code))


async def test_a_new_rider_registers_and_later_logs_in(rt: Runtime, clock: SettableClock) -> None:
    operator = (await make_operator(rt)).operator
    sms, phone = RecordingSms(), new_phone()

    asked = await request_phone_verification(
        rt,
        sms,
        RequestPhoneVerification(
            operator=operator, phone_prefix="+358", phone=f"0{phone.number[:2]} {phone.number[2:]}", flow=Flow.REGISTER
        ),
    )
    assert (asked.left_seconds, asked.phone) == (60, phone.number)
    assert [digits for digits, _body in sms.sent] == [phone.digits]
    verified = await verify(rt, operator, asked.phone_token, sms.code_for(phone))
    registered = await register(rt, operator, verified)
    clock.advance(seconds=60)
    session = await log_in(rt, operator, await verified_token(rt, sms, operator, phone, Flow.LOGIN))

    assert session.rider_id == registered.rider_id
    assert session.token != registered.token
    for token in (registered.token, session.token):
        rider = await find_rider_by_token(rt, operator.id, token)
        assert rider is not None
        assert (rider.name, rider.phone_prefix, rider.phone) == ("Rita Rider", phone.prefix, phone.number)
        assert rider.phone_verified_at is not None


async def test_the_store_has_neither_codes_nor_tokens(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    sms, phone = RecordingSms(), new_phone()
    asked = await ask_for_code(rt, sms, operator, phone, Flow.REGISTER)
    async with rt.db.read() as tx:
        (row,) = await tx.dicts("select v::text from phone_verification v where operator_id = %s", (operator.id,))
    kept = row["v"]
    assert asked.phone_token not in kept
    assert f",{sms.code_for(phone)}," not in kept
    verified = await verify(rt, operator, asked.phone_token, sms.code_for(phone))
    session = await register(rt, operator, verified)
    async with rt.db.read() as tx:
        rows = await tx.dicts(
            "select v::text as t from phone_verification v where operator_id = %(id)s"
            " union all select t::text from rider_token t where operator_id = %(id)s",
            {"id": operator.id},
        )
    assert len(rows) == 2
    assert not [row for row in rows if verified in row["t"] or session.token in row["t"]]


async def test_login_tells_the_truth_after_the_right_code_only(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    sms, phone = RecordingSms(), new_phone()
    token = await verified_token(rt, sms, operator, phone, Flow.LOGIN)
    with refused("user_not_found") as told:
        await log_in(rt, operator, token)
    assert told.it.kind is Kind.NOT_FOUND
    with refused("phone_token_invalid"):  # spent all the same
        await log_in(rt, operator, token)


async def test_a_known_number_is_not_registered_again(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    known = await make_rider(rt, operator)
    phone = Phone(prefix=known.rider.phone_prefix, number=known.rider.phone)
    token = await verified_token(rt, RecordingSms(), operator, phone, Flow.REGISTER)
    with refused("already_registered") as told:
        await register(rt, operator, token, name="Somebody Else")
    assert told.it.kind is Kind.CONFLICT
    with refused("phone_token_invalid"):
        await register(rt, operator, token)
    again = await find_rider_by_token(rt, operator.id, known.token)
    assert again == known.rider


async def test_somebody_registered_by_form_becomes_verified_by_registering(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    unverified = await make_rider(rt, operator, verified=False, name="As The Form Said")
    phone = Phone(prefix=unverified.rider.phone_prefix, number=unverified.rider.phone)
    session = await register(
        rt, operator, await verified_token(rt, RecordingSms(), operator, phone, Flow.REGISTER), name="As Told Now"
    )
    rider = await find_rider_by_token(rt, operator.id, session.token)
    assert rider is not None
    assert (rider.id, rider.name, rider.phone_verified_at) == (unverified.id, "As Told Now", rt.clock.now())


async def test_somebody_registered_by_form_becomes_verified_by_logging_in(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    unverified = await make_rider(rt, operator, verified=False)
    phone = Phone(prefix=unverified.rider.phone_prefix, number=unverified.rider.phone)
    session = await log_in(rt, operator, await verified_token(rt, RecordingSms(), operator, phone, Flow.LOGIN))
    rider = await find_rider_by_token(rt, operator.id, session.token)
    assert rider is not None
    assert rider.phone_verified_at == rt.clock.now()


async def test_a_token_works_in_its_own_step_only(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    sms, phone = RecordingSms(), new_phone()
    asked = await ask_for_code(rt, sms, operator, phone, Flow.REGISTER)
    with refused("phone_token_invalid"):
        await register(rt, operator, asked.phone_token)
    verified = await verify(rt, operator, asked.phone_token, sms.code_for(phone))
    with refused("phone_token_invalid"):
        await verify(rt, operator, asked.phone_token, sms.code_for(phone))
    with refused("phone_token_invalid"):
        await verify(rt, operator, verified, sms.code_for(phone))
    await register(rt, operator, verified)
    with refused("phone_token_invalid"):
        await register(rt, operator, verified)


async def test_a_token_works_in_its_own_flow_only_and_stays_good_for_it(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    token = await verified_token(rt, RecordingSms(), operator, new_phone(), Flow.REGISTER)
    with refused("phone_token_other_flow") as told:
        await log_in(rt, operator, token)
    assert told.it.params["flow"] == "REGISTER"
    await register(rt, operator, token)


async def test_a_token_works_for_its_own_operator_only(rt: Runtime) -> None:
    ours, theirs = (await make_operator(rt)).operator, (await make_operator(rt)).operator
    sms, phone = RecordingSms(), new_phone()
    asked = await ask_for_code(rt, sms, ours, phone, Flow.REGISTER)
    with refused("phone_token_invalid"):
        await verify(rt, theirs, asked.phone_token, sms.code_for(phone))
    verified = await verify(rt, ours, asked.phone_token, sms.code_for(phone))
    with refused("phone_token_invalid"):
        await register(rt, theirs, verified)
    session = await register(rt, ours, verified)
    assert await find_rider_by_token(rt, theirs.id, session.token) is None


async def test_a_rider_of_another_operator_is_unknown_here(rt: Runtime) -> None:
    ours, theirs = (await make_operator(rt)).operator, (await make_operator(rt)).operator
    known = await make_rider(rt, theirs)
    phone = Phone(prefix=known.rider.phone_prefix, number=known.rider.phone)
    token = await verified_token(rt, RecordingSms(), ours, phone, Flow.LOGIN)
    with refused("user_not_found"):
        await log_in(rt, ours, token)


async def test_after_five_checks_the_token_is_dead_for_the_right_code_too(rt: Runtime, clock: SettableClock) -> None:
    operator = (await make_operator(rt)).operator
    sms, phone = RecordingSms(), new_phone()
    asked = await ask_for_code(rt, sms, operator, phone, Flow.LOGIN)
    for left in (4, 3, 2, 1, 0):
        with refused("wrong_code") as told:
            await verify(rt, operator, asked.phone_token, sms.wrong_code_for(phone))
        assert told.it.details["checks_left"] == left
    clock.advance(seconds=25)
    with refused("too_many_checks") as told:
        await verify(rt, operator, asked.phone_token, sms.code_for(phone))
    assert (told.it.kind, told.it.retry_after_s) == (Kind.TOO_MANY, 35)


async def test_the_fifth_check_may_still_be_right(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    sms, phone = RecordingSms(), new_phone()
    asked = await ask_for_code(rt, sms, operator, phone, Flow.LOGIN)
    for _ in range(4):
        with refused("wrong_code"):
            await verify(rt, operator, asked.phone_token, sms.wrong_code_for(phone))
    await verify(rt, operator, asked.phone_token, sms.code_for(phone))


@pytest.mark.parametrize("code", [None, "", "12345", "1234567", "abcdef"])
async def test_what_is_no_code_is_not_counted(rt: Runtime, code: str | None) -> None:
    operator = (await make_operator(rt)).operator
    sms, phone = RecordingSms(), new_phone()
    asked = await ask_for_code(rt, sms, operator, phone, Flow.LOGIN)
    for _ in range(6):
        with refused("validation_failed") as told:
            await verify(rt, operator, asked.phone_token, code)
        assert [fault.field for fault in told.it.faults] == ["code"]
    await verify(rt, operator, asked.phone_token, sms.code_for(phone))


async def test_codes_and_verified_tokens_expire(rt: Runtime, clock: SettableClock) -> None:
    operator = (await make_operator(rt)).operator
    sms, phone = RecordingSms(), new_phone()
    asked = await ask_for_code(rt, sms, operator, phone, Flow.REGISTER)
    clock.advance(seconds=599)
    verified = await verify(rt, operator, asked.phone_token, sms.code_for(phone))
    clock.advance(seconds=600)
    with refused("phone_token_expired"):
        await register(rt, operator, verified)
    asked = await ask_for_code(rt, sms, operator, phone, Flow.REGISTER)
    clock.advance(seconds=600)
    with refused("phone_token_expired"):
        await verify(rt, operator, asked.phone_token, sms.code_for(phone))


async def test_a_new_code_voids_the_old(rt: Runtime, clock: SettableClock) -> None:
    operator = (await make_operator(rt)).operator
    sms, phone = RecordingSms(), new_phone()
    first = await ask_for_code(rt, sms, operator, phone, Flow.LOGIN)
    first_code = sms.code_for(phone)
    clock.advance(seconds=60)
    second = await ask_for_code(rt, sms, operator, phone, Flow.REGISTER)
    with refused("phone_token_invalid"):
        await verify(rt, operator, first.phone_token, first_code)
    await verify(rt, operator, second.phone_token, sms.code_for(phone))


async def test_a_new_code_leaves_other_numbers_and_verified_tokens_alone(rt: Runtime, clock: SettableClock) -> None:
    operator = (await make_operator(rt)).operator
    sms, phone, other = RecordingSms(), new_phone(), new_phone()
    others = await ask_for_code(rt, sms, operator, other, Flow.LOGIN)
    verified = await verified_token(rt, sms, operator, phone, Flow.REGISTER)
    clock.advance(seconds=60)
    await ask_for_code(rt, sms, operator, phone, Flow.REGISTER)
    await verify(rt, operator, others.phone_token, sms.code_for(other))
    await register(rt, operator, verified)


async def test_asking_again_within_the_wait_says_how_long_and_the_code_still_works(
    rt: Runtime, clock: SettableClock
) -> None:
    operator = (await make_operator(rt)).operator
    sms, phone = RecordingSms(), new_phone()
    asked = await ask_for_code(rt, sms, operator, phone, Flow.LOGIN)
    clock.advance(seconds=20.5)
    with refused("code_sent_recently") as told:
        await ask_for_code(rt, sms, operator, phone, Flow.REGISTER)
    assert (told.it.kind, told.it.retry_after_s, told.it.details["left_seconds"]) == (Kind.TOO_MANY, 40, 40)
    assert len(sms.sent) == 1
    await verify(rt, operator, asked.phone_token, sms.code_for(phone))


async def test_a_number_gets_three_codes_in_ten_minutes(rt: Runtime, clock: SettableClock) -> None:
    operator = (await make_operator(rt)).operator
    sms, phone = RecordingSms(), new_phone()
    for _ in range(3):
        await ask_for_code(rt, sms, operator, phone, Flow.LOGIN)
        clock.advance(seconds=60)
    with refused("too_many_codes_number") as told:
        await ask_for_code(rt, sms, operator, phone, Flow.LOGIN)
    assert told.it.retry_after_s == 600 - 180
    clock.advance(seconds=420)
    await ask_for_code(rt, sms, operator, phone, Flow.LOGIN)


async def test_limits_of_one_operator_are_not_anothers(rt: Runtime) -> None:
    ours, theirs = (await make_operator(rt)).operator, (await make_operator(rt)).operator
    phone = new_phone()
    await ask_for_code(rt, RecordingSms(), ours, phone, Flow.LOGIN, "203.0.113.7")
    await ask_for_code(rt, RecordingSms(), theirs, phone, Flow.LOGIN, "203.0.113.7")


async def test_the_operators_server_vouches_for_a_number(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    sms, phone = RecordingSms(), new_phone()
    for _ in range(5):  # nothing is sent, so nothing is counted
        asked = await request_phone_verification(
            rt,
            sms,
            RequestPhoneVerification(
                operator=operator, phone_prefix=phone.prefix, phone=phone.number, flow=Flow.REGISTER, skip_otp=True
            ),
        )
    assert asked.left_seconds == 0
    assert sms.sent == []
    session = await register(rt, operator, await verify(rt, operator, asked.phone_token, None))
    assert await find_rider_by_token(rt, operator.id, session.token) is not None


async def test_the_operators_server_asks_for_many(rt: Runtime) -> None:
    operator = (await make_operator(rt, settings=Settings(otp=OtpSettings(sends_per_address=1)))).operator
    sms = RecordingSms()

    async def ask(*, skip: bool) -> None:
        phone = new_phone()
        await request_phone_verification(
            rt,
            sms,
            RequestPhoneVerification(
                operator=operator,
                phone_prefix=phone.prefix,
                phone=phone.number,
                flow=Flow.LOGIN,
                address="203.0.113.7",
                skip_address_check=skip,
            ),
        )

    await ask(skip=True)
    await ask(skip=True)
    await ask(skip=False)
    with refused("too_many_codes_address"):
        await ask(skip=False)
    await ask(skip=True)
    assert len(sms.sent) == 4


async def test_a_whole_ipv6_site_counts_as_one_address(rt: Runtime) -> None:
    operator = (await make_operator(rt, settings=Settings(otp=OtpSettings(sends_per_address=1)))).operator
    sms = RecordingSms()
    await ask_for_code(rt, sms, operator, new_phone(), Flow.LOGIN, "2001:db8::1")
    with refused("too_many_codes_address"):
        await ask_for_code(rt, sms, operator, new_phone(), Flow.LOGIN, "2001:db8::2")
    await ask_for_code(rt, sms, operator, new_phone(), Flow.LOGIN, "2001:db8:0:1::1")


@pytest.mark.parametrize(
    ("failure", "code", "kind"),
    [
        (SmsFailed("away"), "sms_unavailable", Kind.UNAVAILABLE),
        (SmsFailed("no mobile", undeliverable=True), "sms_undeliverable", Kind.INVALID),
    ],
)
async def test_a_message_that_did_not_go_out_is_told_and_counted(
    rt: Runtime, clock: SettableClock, failure: SmsFailed, code: str, kind: Kind
) -> None:
    operator = (await make_operator(rt)).operator
    sms, phone = RecordingSms(), new_phone()
    sms.fail_with = failure
    with refused(code) as told:
        await ask_for_code(rt, sms, operator, phone, Flow.LOGIN)
    assert told.it.kind is kind
    sms.fail_with = None
    with refused("code_sent_recently"):
        await ask_for_code(rt, sms, operator, phone, Flow.LOGIN)
    async with rt.db.read() as tx:
        steps = await tx.tuples("select step from phone_verification where operator_id = %s", (operator.id,))
    assert steps == [("VOID",)]
    clock.advance(seconds=60)
    await ask_for_code(rt, sms, operator, phone, Flow.LOGIN)


async def test_the_operators_wording_of_the_message(rt: Runtime) -> None:
    own = Settings(texts={"fi": {"sms_code": "Koodi {code}"}})
    operator = (await make_operator(rt, settings=own, languages=("fi",))).operator
    sms, phone = RecordingSms(), new_phone()
    await ask_for_code(rt, sms, operator, phone, Flow.LOGIN)
    assert sms.sent[0][1] == f"Koodi {sms.code_for(phone)}"


async def test_a_wording_without_the_code_gives_way(rt: Runtime) -> None:
    operator = (await make_operator(rt, settings=Settings(texts={"en": {"sms_code": "Welcome!"}}))).operator
    sms, phone = RecordingSms(), new_phone()
    await ask_for_code(rt, sms, operator, phone, Flow.LOGIN)
    assert sms.code_for(phone) in sms.sent[0][1]
    assert operator.name in sms.sent[0][1]


async def test_known_and_unknown_numbers_are_the_same_work(rt: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """The statements are the same ones, and none of them looks at riders."""
    operator = (await make_operator(rt)).operator
    known = await make_rider(rt, operator)
    known_phone = Phone(prefix=known.rider.phone_prefix, number=known.rider.phone)
    statements: list[str] = []
    for name in ("execute", "find", "one", "all", "scalar", "tuples", "dicts"):
        plain = getattr(Tx, name)

        async def recorded(tx: Tx, *args: Any, _plain: Any = plain, **kwargs: Any) -> Any:
            statements.extend(arg for arg in args if isinstance(arg, str))
            return await _plain(tx, *args, **kwargs)

        monkeypatch.setattr(Tx, name, recorded)

    async def statements_of(phone: Phone, flow: Flow) -> list[str]:
        statements.clear()
        sms = RecordingSms()
        asked = await ask_for_code(rt, sms, operator, phone, flow)
        with refused("wrong_code"):
            await verify(rt, operator, asked.phone_token, sms.wrong_code_for(phone))
        return list(dict.fromkeys(statements))

    seen = [
        await statements_of(known_phone, Flow.LOGIN),
        await statements_of(new_phone(), Flow.LOGIN),
        await statements_of(new_phone(), Flow.REGISTER),
    ]
    assert seen[0] == seen[1] == seen[2]
    assert seen[0]
    assert not [statement for statement in seen[0] if "rider" in statement]
