"""Use cases in a process of their own that kills itself with SIGKILL at a chosen step.

One process has everything imported and forks itself for each run; the provider and the store of a run are wrapped, so
that it dies at the n-th of these steps, in the order in which the use case comes to them:

| step       | the process has                                                            |
|------------|-----------------------------------------------------------------------------|
| writing    | run all statements of a transaction, and not committed it                  |
| written    | just committed it                                                          |
| sent       | sent a request to the provider, who has done it, and not read the answer    |
| answered   | read the answer, and written nothing down                                  |

To walk another use case, add a function to `USES`.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec

from isotope.adapters.cards import SandboxCards
from isotope.api.context import Services
from isotope.domain import payments, rental, sharing
from isotope.domain.fleet import apply_reports
from isotope.domain.payments.model import Answer, CallKind
from isotope.domain.payments.ports import CardsUnclear, ChargeCard, FindCall, OnPayment
from isotope.domain.sharing import act_on_zones
from isotope.domain.sharing.usecases.watch_open_rides import watch_rides_of
from isotope.domain.tenants.model import Operator, Role
from isotope.gateway.server import Gateway
from isotope.infra.config import Config
from isotope.infra.db import Database, Tx
from isotope.infra.hub import Hub
from isotope.infra.jobs import Jobs
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SECRET_KEY, rider_actor
from isotope.kernel.geo import Point
from isotope.kernel.ids import BookingId, CommandId, OperatorId, RideId, RiderId, VehicleId
from isotope.wiring import make_services
from tests.kit.cards import KEY, WEBHOOK_SECRET
from tests.kit.clock import START, SettableClock
from tests.kit.devices import TEST_LIMITS

# A run that does not come to its end, or to its step, is ended by the kernel.
_LIFE_S: Final = 20


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to run, and at which step to die, counted from 0; None: live to the end."""

    use: str
    die_at: int | None
    database_url: str
    # Empty: the operator takes no cards.
    sandbox_url: str
    folder: str
    now: datetime
    operator_id: OperatorId
    rider_id: RiderId
    args: dict[str, Any] = {}


class Died(msgspec.Struct, frozen=True, kw_only=True):
    """How a run ended: the steps it came to, and the signal that ended it (None: it came to its end)."""

    steps: tuple[str, ...]
    signal: int | None


Use = Callable[[Services, Operator, Plan], Awaitable[Any]]


async def start_ride(services: Services, operator: Operator, plan: Plan) -> None:
    await sharing.start_ride(
        services.rt,
        services.cards,
        services.live_map,
        services.zones,
        sharing.StartRide(
            operator=operator,
            rider_id=plan.rider_id,
            actor=rider_actor(plan.rider_id),
            vehicle_id=VehicleId(plan.args["vehicle_id"]),
            vehicle_nr=None,
            rider_at=Point(plan.args["lat"], plan.args["lon"]),
        ),
    )


async def end_ride(services: Services, operator: Operator, plan: Plan) -> None:
    await sharing.end_ride(
        services.rt,
        services.cards,
        services.zones,
        sharing.EndRide(
            operator=operator,
            ref=sharing.RideRef(operator_id=operator.id, rider_id=plan.rider_id),
            actor=rider_actor(plan.rider_id),
            rider_at=Point(plan.args["lat"], plan.args["lon"]),
            rider_at_time=plan.now,
        ),
    )


async def pause_ride(services: Services, operator: Operator, plan: Plan) -> None:
    ref = sharing.RideRef(operator_id=operator.id, rider_id=plan.rider_id)
    command = sharing.PauseRide(operator=operator, ref=ref, actor=rider_actor(plan.rider_id))
    await sharing.pause_ride(services.rt, command)


async def unpause_ride(services: Services, operator: Operator, plan: Plan) -> None:
    ref = sharing.RideRef(operator_id=operator.id, rider_id=plan.rider_id)
    command = sharing.UnpauseRide(operator=operator, ref=ref, actor=rider_actor(plan.rider_id))
    await sharing.unpause_ride(services.rt, command)


async def settle_ride(services: Services, operator: Operator, plan: Plan) -> None:
    """What the worker does for a request that is gone."""
    ride_id, command_id = RideId(plan.args["ride_id"]), CommandId(plan.args["command_id"])
    await sharing.settle_ride(services.rt, services.cards, sharing.SettleRide(operator, ride_id, command_id))


async def watch_open_rides(services: Services, operator: Operator, _plan: Plan) -> None:
    await watch_rides_of(services.rt, services.cards, services.zones, operator)


async def pick_up(services: Services, operator: Operator, plan: Plan) -> None:
    what = rental.PickUp(
        operator=operator,
        rider_id=plan.rider_id,
        booking_id=BookingId(plan.args["booking_id"]),
        actor=rider_actor(plan.rider_id),
    )
    await rental.pick_up(services.rt, services.cards, what)


async def return_vehicle(services: Services, operator: Operator, plan: Plan) -> None:
    what = rental.ReturnVehicle(
        operator=operator,
        rider_id=plan.rider_id,
        booking_id=BookingId(plan.args["booking_id"]),
        actor=rider_actor(plan.rider_id),
    )
    await rental.return_vehicle(services.rt, services.cards, what)


async def settle_order(services: Services, operator: Operator, plan: Plan) -> None:
    """What the worker does for a request that is gone."""
    booking_id, command_id = BookingId(plan.args["booking_id"]), CommandId(plan.args["command_id"])
    await rental.settle_order(services.rt, services.cards, rental.SettleOrder(operator, booking_id, command_id))


async def watch_booking(services: Services, operator: Operator, plan: Plan) -> None:
    await rental.watch_booking(services.rt, services.cards, operator, BookingId(plan.args["booking_id"]))


def _wait_for(path: Path, is_over: Callable[[], bool]) -> None:
    while not path.exists() and not is_over():
        time.sleep(0.02)


async def gateway(services: Services, _operator: Operator, plan: Plan) -> None:
    """The gateway on the port that is asked for, until it dies or a file is there."""
    act = partial(act_on_zones, services.rt, services.operators, services.zones)
    serving = Gateway(services.rt, apply_reports, act, host="127.0.0.1", port=plan.args["port"], limits=TEST_LIMITS)
    await serving.start()
    task = asyncio.create_task(serving.serve())
    await asyncio.to_thread(_wait_for, Path(plan.args["until"]), task.done)
    # As a process that ends does it: nothing of what is left is said to anybody.
    os._exit(0)


async def top_up(services: Services, operator: Operator, plan: Plan) -> None:
    await payments.top_up(
        services.rt,
        services.cards,
        payments.TopUp(
            operator=operator,
            rider_id=plan.rider_id,
            amount_minor=plan.args["amount_minor"],
            actor=rider_actor(plan.rider_id),
            idempotency_key=plan.args["key"],
        ),
    )


async def refund_ride(services: Services, operator: Operator, plan: Plan) -> None:
    await sharing.refund_ride(services.rt, services.cards, full_refund(operator, RideId(plan.args["ride_id"])))


async def resolve_card_calls(services: Services, _operator: Operator, _plan: Plan) -> None:
    await payments.resolve_card_calls(services.rt, services.cards, services.operators)


def full_refund(operator: Operator, ride_id: RideId) -> sharing.RefundRide:
    """All of a ride's price, as the same member of staff always asks for it."""
    return sharing.RefundRide(
        operator=operator,
        ride_id=ride_id,
        fine_id=None,
        amount_minor=None,
        reason="The brake was broken",
        to_wallet=False,
        role=Role.OWNER,
        actor=SECRET_KEY,
        key="the refund's key",
    )


USES: Final[Mapping[str, Use]] = {
    "start_ride": start_ride,
    "end_ride": end_ride,
    "top_up": top_up,
    "refund_ride": refund_ride,
    "resolve_card_calls": resolve_card_calls,
    "pause_ride": pause_ride,
    "unpause_ride": unpause_ride,
    "settle_ride": settle_ride,
    "watch_open_rides": watch_open_rides,
    "gateway": gateway,
    "pick_up": pick_up,
    "return_vehicle": return_vehicle,
    "settle_order": settle_order,
    "watch_booking": watch_booking,
}


class Crasher:
    """Runs plans, each in a fresh process."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    async def run(self, plan: Plan) -> Died:
        """Until the run has ended or died; the gateway and the units of the test go on meanwhile."""
        return await asyncio.to_thread(self._run, plan)

    def _run(self, plan: Plan) -> Died:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(msgspec.json.encode(plan) + b"\n")
        self._process.stdin.flush()
        return msgspec.json.decode(self._process.stdout.readline(), type=Died)


@contextmanager
def running_crasher() -> Iterator[Crasher]:
    """The process that forks itself for each run, until the block ends."""
    command = [sys.executable, "-m", "tests.journeys.kit.crashing"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield Crasher(process)
        assert process.stdin is not None
        process.stdin.close()


@dataclass
class _Steps:
    """What the run came to, told through a pipe that outlives it."""

    pipe: int
    die_at: int | None
    reached: int = 0

    @property
    def next_is_the_last(self) -> bool:
        return self.reached == self.die_at

    def reach(self, name: str) -> None:
        os.write(self.pipe, f"{name}\n".encode())
        if self.next_is_the_last:
            os.kill(os.getpid(), signal.SIGKILL)
        self.reached += 1


class _MortalDatabase(Database):
    def __init__(self, url: str, steps: _Steps) -> None:
        super().__init__(url, max_size=4)
        self._steps = steps

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Tx]:
        async with super().write() as tx:
            yield tx
            self._steps.reach("writing")
        self._steps.reach("written")


class _MortalCards(SandboxCards):
    def __init__(self, url: str, steps: _Steps) -> None:
        super().__init__(url=url, key=KEY, webhook_secret=WEBHOOK_SECRET)
        self._steps = steps

    async def charge(self, what: ChargeCard) -> Answer:
        kind = CallKind.CHARGE if what.capture else CallKind.AUTHORISE
        return await self._ask(what, kind, super().charge(what))

    async def capture(self, what: OnPayment) -> Answer:
        return await self._ask(what, CallKind.CAPTURE, super().capture(what))

    async def release(self, what: OnPayment) -> Answer:
        return await self._ask(what, CallKind.RELEASE, super().release(what))

    async def refund(self, what: OnPayment) -> Answer:
        return await self._ask(what, CallKind.REFUND, super().refund(what))

    async def _ask(self, what: ChargeCard | OnPayment, kind: CallKind, asking: Awaitable[Answer]) -> Answer:
        request = asyncio.ensure_future(asking)
        if self._steps.next_is_the_last:
            await self._until_done(what, kind)
        self._steps.reach("sent")
        answer = await request
        self._steps.reach("answered")
        return answer

    async def _until_done(self, what: ChargeCard | OnPayment, kind: CallKind) -> None:
        """Until the provider knows what became of it, as it would tell after a restart."""
        find = FindCall(
            merchant=what.merchant,
            key=what.key,
            kind=kind,
            customer_ref=what.customer_ref if isinstance(what, ChargeCard) else "",
            payment_ref=what.payment_ref if isinstance(what, OnPayment) else None,
            amount_minor=what.amount_minor,
            currency=what.currency,
            created_at=START,
        )
        found = None
        while found is None:
            # It may still be at it.
            with contextlib.suppress(CardsUnclear):
                found = await self.find_call(find)


async def _run(plan: Plan, steps: _Steps) -> None:
    database = _MortalDatabase(plan.database_url, steps)
    rt = Runtime(db=database, clock=SettableClock(plan.now), hub=Hub(plan.database_url), jobs=Jobs())
    services = make_services(Config(mode="test", database_url=plan.database_url, data=plan.folder), rt)
    if plan.sandbox_url:
        services.cards = replace(services.cards, provider=_MortalCards(plan.sandbox_url, steps))
    await database.open()
    await rt.hub.start()
    operator = await services.operators.get(plan.operator_id)
    await USES[plan.use](services, operator, plan)


def _live(plan: Plan, pipe: int) -> None:
    signal.alarm(_LIFE_S)
    # Whatever is logged must not come between the answers.
    os.dup2(2, 1)
    asyncio.run(_run(plan, _Steps(pipe, plan.die_at)))


def main() -> None:
    """Fork for each line of the standard input; a line of the standard output tells how it ended."""
    for line in sys.stdin.buffer:
        plan = msgspec.json.decode(line, type=Plan)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                _live(plan, writing)
            except BaseException:  # noqa: BLE001 - nothing of the child may go on in the parent's loop
                sys.excepthook(*sys.exc_info())
            finally:
                os._exit(0)
        os.close(writing)
        with os.fdopen(reading, "rb") as told:
            steps = tuple(told.read().decode().split())
        _pid, status = os.waitpid(child, 0)
        died = Died(steps=steps, signal=os.WTERMSIG(status) if os.WIFSIGNALED(status) else None)
        sys.stdout.buffer.write(msgspec.json.encode(died) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
