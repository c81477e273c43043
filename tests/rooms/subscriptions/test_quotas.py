"""What rides use of subscriptions: which one, once each, and together never more than there is."""

import asyncio
from datetime import timedelta

import msgspec
import pytest
import pytest_asyncio
from psycopg.errors import CheckViolation

from isotope.domain.fleet import get_model_offer
from isotope.domain.fleet.model import VehicleModel
from isotope.domain.pricing.model import AgreedSubscription, Quota
from isotope.domain.sharing import Terms, store
from isotope.domain.sharing.model import RideStatus
from isotope.domain.subscriptions import (
    PlanDraft,
    PlanSpec,
    SubscriptionView,
    find_subscription,
    list_quotas_left,
    lock_quota_left,
    upsert_plan,
    use_quota,
)
from isotope.domain.subscriptions.model import SubscriptionId
from isotope.domain.subscriptions.rules import Usable, choose
from isotope.kernel.ids import RideId
from tests.kit.clock import START, SettableClock
from tests.kit.fleet import HOME, TARIFF, Fleet, make_fleet
from tests.kit.subscribers import MONTH, Subscriber

DAY = timedelta(hours=24)
NOW = timedelta(0)
ONE = Quota(unlocks=1)
RIDE = Quota(unlocks=1, ride_min=12)


NONE = Quota()


def usable(nr: int, left: Quota = NONE, pct: int = 0) -> Usable:
    spec = PlanSpec(price_minor=1, days=1, quota=Quota(unlocks=9), pct=pct)
    return Usable(SubscriptionId(nr), f"Nr {nr}", spec, left)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], None),
        ([usable(1)], None),
        ([usable(1, ONE)], 1),
        ([usable(2, ONE), usable(1, ONE)], 1),
        ([usable(1, pct=50), usable(2, ONE)], 2),
        ([usable(1, pct=10), usable(2, pct=20)], 2),
        ([usable(2, pct=20), usable(1, pct=20)], 1),
    ],
)
def test_which_subscription_a_ride_uses(given: list[Usable], expected: int | None) -> None:
    chosen = choose(given)
    assert (None if chosen is None else chosen.id) == expected


class Rider:
    """A subscriber with a fleet, and rides as a start would have left them."""

    def __init__(self, subscriber: Subscriber, fleet: Fleet, model: VehicleModel) -> None:
        self.subscriber = subscriber
        self.fleet = fleet
        self.model = model
        self._places = 0

    @property
    def operator_id(self) -> int:
        return self.subscriber.operator.id

    async def ride(self) -> RideId:
        self._places += 1
        async with self.subscriber.rt.db.write() as tx:
            return await store.insert_ride(
                tx,
                store.NewRide(
                    operator_id=self.subscriber.operator.id,
                    rider_id=self.subscriber.rider.id,
                    vehicle_id=self.fleet.vehicle_ids[self._places - 1],
                    model_id=self.fleet.model_id,
                    status=RideStatus.UNLOCKING,
                    place=self._places,
                    currency="EUR",
                    terms=Terms(tariff=TARIFF),
                    start=HOME,
                    start_odometer_m=0,
                    requested_at=self.subscriber.clock.now(),
                ),
            )

    async def find(self) -> tuple[AgreedSubscription, Quota] | None:
        subscriber = self.subscriber
        async with subscriber.rt.db.read() as tx:
            return await find_subscription(
                tx, subscriber.operator.id, subscriber.rider.id, self.model, subscriber.clock.now()
            )

    async def use(self, view: SubscriptionView, ride_id: RideId, wants: Quota, *, began_ago: timedelta = NOW) -> Quota:
        """What a close does: take of what is left as much as the ride can use."""
        subscriber = self.subscriber
        began_at = subscriber.clock.now() - began_ago
        async with subscriber.rt.db.write() as tx:
            left = await lock_quota_left(tx, subscriber.operator.id, view.subscription.id, began_at, ride_id)
            used = Quota(unlocks=min(left.unlocks, wants.unlocks), ride_min=min(left.ride_min, wants.ride_min))
            await use_quota(tx, subscriber.operator.id, view.subscription.id, ride_id, used, began_at)
        return used

    async def running(self, view: SubscriptionView, ride_id: RideId, *, began_ago: timedelta = NOW) -> Quota | None:
        """What a running price is made of."""
        subscriber = self.subscriber
        rides = [(ride_id, int(view.subscription.id), subscriber.clock.now() - began_ago)]
        async with subscriber.rt.db.read() as tx:
            return (await list_quotas_left(tx, subscriber.operator.id, rides)).get(ride_id)

    async def left(self) -> Quota:
        return (await self.subscriber.only()).left


@pytest_asyncio.fixture
async def rider(subscriber: Subscriber) -> Rider:
    fleet = await make_fleet(subscriber.rt, subscriber.operator, 6)
    async with subscriber.rt.db.read() as tx:
        offer = await get_model_offer(tx, subscriber.operator.id, fleet.model_id)
    await subscriber.add(99_999)
    return Rider(subscriber, fleet, offer.model)


@pytest.mark.asyncio
async def test_a_ride_finds_what_is_left(rider: Rider) -> None:
    assert await rider.find() is None
    view = await rider.subscriber.buy()
    agreed = AgreedSubscription(id=view.subscription.id, title="Month", pct=10)
    assert await rider.find() == (agreed, MONTH.quota)
    assert await rider.use(view, await rider.ride(), RIDE) == RIDE
    assert await rider.find() == (agreed, Quota(unlocks=2, ride_min=18))
    assert await rider.left() == Quota(unlocks=2, ride_min=18)


@pytest.mark.asyncio
async def test_a_daily_quota_comes_back_24_hours_after_the_purchase(rider: Rider, clock: SettableClock) -> None:
    clock.advance(hours=7)
    view = await rider.subscriber.buy()
    await rider.use(view, await rider.ride(), MONTH.quota)
    clock.advance(hours=24, seconds=-1)
    assert await rider.left() == Quota()
    clock.advance(seconds=1)
    assert await rider.left() == MONTH.quota


@pytest.mark.asyncio
async def test_a_whole_quota_does_not(rider: Rider, clock: SettableClock) -> None:
    await rider.subscriber.set_plan(msgspec.structs.replace(MONTH, limits="whole"))
    view = await rider.subscriber.buy()
    await rider.use(view, await rider.ride(), Quota(unlocks=1))
    clock.advance(days=29)
    assert (await rider.left()).unlocks == 2
    clock.advance(days=1)
    assert await rider.find() is None
    await rider.subscriber.renew()
    assert await rider.left() == MONTH.quota


@pytest.mark.asyncio
async def test_a_ride_over_the_border_uses_the_day_in_which_it_began(rider: Rider, clock: SettableClock) -> None:
    view = await rider.subscriber.buy()
    ride_id = await rider.ride()
    clock.advance(hours=23, minutes=55)
    assert await rider.running(view, ride_id) == MONTH.quota
    await rider.use(view, await rider.ride(), RIDE)
    assert await rider.running(view, ride_id) == Quota(unlocks=2, ride_min=18)
    clock.advance(minutes=10)
    assert await rider.running(view, ride_id, began_ago=timedelta(minutes=10)) == Quota(unlocks=2, ride_min=18)
    assert await rider.running(view, ride_id) == MONTH.quota
    assert await rider.use(view, ride_id, RIDE, began_ago=timedelta(minutes=10)) == RIDE
    assert await rider.left() == MONTH.quota
    # The same of a ride that is over after the subscription.
    other = await rider.ride()
    clock.set(START + 30 * DAY + timedelta(minutes=5))
    await rider.subscriber.cancel(view)
    await rider.subscriber.renew()
    assert await rider.use(view, other, RIDE, began_ago=timedelta(minutes=10)) == RIDE
    assert await rider.use(view, await rider.ride(), RIDE) == Quota()


@pytest.mark.asyncio
async def test_rides_that_end_at_once_share_one_quota(rider: Rider) -> None:
    view = await rider.subscriber.buy()
    rides = [await rider.ride() for _ in range(5)]
    used = await asyncio.gather(*(rider.use(view, ride_id, RIDE) for ride_id in rides))
    assert sum(one.ride_min for one in used) == 30
    assert sorted(one.ride_min for one in used) == [0, 0, 6, 12, 12]
    assert sorted(one.unlocks for one in used) == [0, 0, 1, 1, 1]
    assert await rider.left() == Quota()


@pytest.mark.asyncio
async def test_said_again_it_counts_once_and_a_corrected_ride_gives_back(rider: Rider) -> None:
    view = await rider.subscriber.buy()
    ride_id, other = await rider.ride(), await rider.ride()
    await rider.use(view, other, Quota(unlocks=1, ride_min=5))
    for _twice in range(2):
        assert await rider.use(view, ride_id, RIDE) == RIDE
        assert await rider.left() == Quota(unlocks=1, ride_min=13)
    assert await rider.use(view, ride_id, Quota()) == Quota()
    assert await rider.left() == Quota(unlocks=2, ride_min=25)


@pytest.mark.asyncio
async def test_more_than_is_left_is_refused_by_code_and_database(rider: Rider) -> None:
    view = await rider.subscriber.buy()
    ride_id = await rider.ride()
    now = rider.subscriber.clock.now()
    with pytest.raises(ValueError, match="more of subscription"):
        async with rider.subscriber.rt.db.write() as tx:
            await use_quota(tx, rider.subscriber.operator.id, view.subscription.id, ride_id, Quota(unlocks=4), now)
    await rider.use(view, ride_id, RIDE)
    with pytest.raises(CheckViolation):
        async with rider.subscriber.rt.db.write() as tx:
            await tx.execute("update subscription_use set unlocks = 4 where operator_id = %s", [rider.operator_id])


@pytest.mark.asyncio
async def test_a_plan_for_other_models_is_not_used(rider: Rider) -> None:
    await rider.subscriber.set_plan(msgspec.structs.replace(MONTH, models=("another",)))
    await rider.subscriber.buy()
    assert await rider.find() is None


@pytest.mark.asyncio
async def test_of_several_the_first_bought_is_used_up_first(rider: Rider) -> None:
    subscriber = rider.subscriber
    first = await subscriber.buy()
    async with subscriber.rt.db.write() as tx:
        other_id = await upsert_plan(tx, subscriber.operator.id, PlanDraft(ref="other", title="Other", spec=MONTH))
    second = await subscriber.buy(plan_id=other_id)
    found = await rider.find()
    assert found is not None
    assert found[0].id == first.subscription.id
    await rider.use(first, await rider.ride(), MONTH.quota)
    found = await rider.find()
    assert found is not None
    assert (found[0].id, found[1]) == (second.subscription.id, MONTH.quota)


@pytest.mark.asyncio
async def test_one_that_is_not_paid_is_not_used(rider: Rider) -> None:
    card = await rider.subscriber.card()
    async with rider.subscriber.rt.db.write() as tx:
        await tx.execute(
            "update subscription_plan set spec = jsonb_set(spec, '{price_minor}', '500000') where id = %(id)s",
            {"id": rider.subscriber.plan_id},
        )
    rider.subscriber.sandbox.add_fault("charge", "done")
    view = await rider.subscriber.buy(card.method_id)
    assert await rider.find() is None
    assert await rider.use(view, await rider.ride(), RIDE) == Quota()
