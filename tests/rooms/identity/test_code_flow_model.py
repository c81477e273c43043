"""Random runs through the code flow beside a naive model that keeps everything in lists.

The model knows no tokens, hashes, locks or SQL: only who asked for what and when. Whatever it says, the
real flow on the real store must say.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isotope.domain.identity import (
    Flow,
    LogInRider,
    Phone,
    RegisterRider,
    VerifyPhoneCode,
    log_in_rider,
    register_rider,
    verify_phone_code,
)
from isotope.domain.tenants.model import Operator, OtpSettings, Settings
from isotope.infra.db import Database
from isotope.infra.hub import Hub
from isotope.infra.jobs import Jobs
from isotope.infra.runtime import Runtime
from isotope.kernel.errors import Refusal
from tests.kit.clock import SettableClock
from tests.kit.riders import new_phone
from tests.kit.sms import RecordingSms, ask_for_code
from tests.kit.tenants import make_operator

OTP = OtpSettings(life_s=120, resend_wait_s=30, max_checks=3, sends_per_number=3, number_window_s=200)


@dataclass(frozen=True)
class Ask:
    number: int
    flow: Flow


@dataclass(frozen=True)
class Tell:
    run: int
    right: bool


@dataclass(frozen=True)
class Finish:
    run: int
    flow: Flow


@dataclass(frozen=True)
class Wait:
    seconds: int


Action = Ask | Tell | Finish | Wait

flows = st.sampled_from(Flow)
actions = st.lists(
    st.one_of(
        st.builds(Ask, number=st.integers(0, 1), flow=flows),
        st.builds(Tell, run=st.integers(0, 5), right=st.booleans()),
        st.builds(Finish, run=st.integers(0, 5), flow=flows),
        st.builds(Wait, seconds=st.sampled_from([1, 29, 30, 60, 119, 120, 200])),
    ),
    max_size=40,
)


@dataclass
class ModelRun:
    number: int
    flow: Flow
    ends_at: datetime
    wrong: int = 0
    state: str = "asked"


@dataclass
class Model:
    """What should happen."""

    runs: list[ModelRun] = field(default_factory=list)
    sends: list[tuple[int, datetime]] = field(default_factory=list)
    registered: set[int] = field(default_factory=set)

    def ask(self, action: Ask, now: datetime) -> str:
        ages = [(now - at).total_seconds() for number, at in self.sends if number == action.number]
        if any(age < OTP.resend_wait_s for age in ages):
            return "code_sent_recently"
        if sum(age < OTP.number_window_s for age in ages) >= OTP.sends_per_number:
            return "too_many_codes_number"
        for run in self.runs:
            if run.number == action.number and run.state == "asked":
                run.state = "void"
        self.sends.append((action.number, now))
        self.runs.append(ModelRun(action.number, action.flow, now + timedelta(seconds=OTP.life_s)))
        return "done"

    def tell(self, run: ModelRun, *, right: bool, now: datetime) -> str:
        if run.state in ("asked", "void") and run.wrong >= OTP.max_checks:
            return "too_many_checks"
        if run.state != "asked":
            return "phone_token_invalid"
        if now >= run.ends_at:
            return "phone_token_expired"
        if not right:
            run.wrong += 1
            return "wrong_code"
        run.state = "verified"
        run.ends_at = now + timedelta(seconds=OTP.life_s)
        return "done"

    def finish(self, run: ModelRun, flow: Flow, now: datetime) -> str:
        if run.state != "verified":
            return "phone_token_invalid"
        if now >= run.ends_at:
            return "phone_token_expired"
        if run.flow is not flow:
            return "phone_token_other_flow"
        run.state = "used"
        known = run.number in self.registered
        if flow is Flow.LOGIN:
            return "done" if known else "user_not_found"
        self.registered.add(run.number)
        return "already_registered" if known else "done"


@dataclass
class RealRun:
    requested: str
    code: str
    verified: str = "no such token"


@dataclass
class Real:
    """What does happen."""

    rt: Runtime
    operator: Operator
    sms: RecordingSms = field(default_factory=RecordingSms)
    numbers: tuple[Phone, Phone] = field(default_factory=lambda: (new_phone(), new_phone()))
    runs: list[RealRun] = field(default_factory=list)

    async def ask(self, action: Ask) -> str:
        phone = self.numbers[action.number]
        try:
            asked = await ask_for_code(self.rt, self.sms, self.operator, phone, action.flow)
        except Refusal as refusal:
            return refusal.code
        self.runs.append(RealRun(asked.phone_token, self.sms.code_for(phone)))
        return "done"

    async def tell(self, run: RealRun, *, right: bool) -> str:
        code = run.code if right else f"{(int(run.code) + 1) % 1_000_000:06d}"
        try:
            run.verified = await verify_phone_code(
                self.rt, VerifyPhoneCode(operator=self.operator, phone_token=run.requested, code=code)
            )
        except Refusal as refusal:
            return refusal.code
        return "done"

    async def finish(self, run: RealRun, flow: Flow) -> str:
        try:
            if flow is Flow.LOGIN:
                await log_in_rider(self.rt, LogInRider(operator=self.operator, phone_token=run.verified))
            else:
                await register_rider(
                    self.rt,
                    RegisterRider(operator=self.operator, phone_token=run.verified, name="R", email="r@example.test"),
                )
        except Refusal as refusal:
            return refusal.code
        return "done"


async def act_both(database_url: str, sequence: list[Action]) -> None:
    clock = SettableClock()
    database = Database(database_url, max_size=1)
    await database.open()
    try:
        rt = Runtime(db=database, clock=clock, hub=Hub(database_url), jobs=Jobs())
        kit = await make_operator(rt, settings=Settings(otp=OTP))
        model, real = Model(), Real(rt, kit.operator)
        for action in sequence:
            match action:
                case Ask():
                    expected, happened = model.ask(action, clock.now()), await real.ask(action)
                case Tell(nr, right) if nr < len(model.runs):
                    expected = model.tell(model.runs[nr], right=right, now=clock.now())
                    happened = await real.tell(real.runs[nr], right=right)
                case Finish(nr, flow) if nr < len(model.runs):
                    expected = model.finish(model.runs[nr], flow, clock.now())
                    happened = await real.finish(real.runs[nr], flow)
                case Wait(seconds):
                    clock.advance(seconds=seconds)
                    continue
                case _:
                    continue
            assert happened == expected, action
    finally:
        await database.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sequence=actions)
def test_the_flow_does_what_the_naive_model_says(module_database_url: str, sequence: list[Action]) -> None:
    asyncio.run(act_both(module_database_url, sequence))
