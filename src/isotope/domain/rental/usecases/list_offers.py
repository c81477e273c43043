"""What can be booked at a station for given dates, and for what; and what is near to that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from isotope.domain.pricing import Words
from isotope.domain.rental import availability, booking_queries, catalog_queries, errors
from isotope.domain.rental.availability import Wanted, slot_of
from isotope.domain.rental.booking_rules import may_book_then, most_at_once
from isotope.domain.rental.local_time import package_fits
from isotope.domain.rental.model import (
    AgreedRentalPackage,
    BookingPrice,
    BookingTerms,
    Interval,
    RentalAddon,
    RentalAddonId,
    RentalModel,
    RentalPackage,
    RentalPackageId,
    RentalTariffId,
    Station,
    StationId,
)
from isotope.domain.rental.prices import booking_price, included_km
from isotope.domain.rental.rates import Span, spans
from isotope.domain.rental.usecases.create_booking import addons_for
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import ModelId

# How far off the wanted times something near may be, the nearest first: hours, then whole days.
_SHIFTS: Final = sorted(
    [timedelta(hours=sign * hours) for hours in range(1, 13) for sign in (1, -1)]
    + [timedelta(days=sign * days) for days in (1, 2, 3) for sign in (1, -1)],
    key=lambda shift: (abs(shift), shift < timedelta(0)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FindOffers:
    """`is_exact`: nothing but the wanted times."""

    operator: Operator
    station_id: StationId
    interval: Interval
    is_exact: bool
    words: Words


@dataclass(frozen=True, slots=True)
class PackageOffer:
    package: RentalPackage
    price: BookingPrice


@dataclass(frozen=True, slots=True)
class AddonOffer:
    """`left` None: there is no limit."""

    addon: RentalAddon
    left: int | None


@dataclass(frozen=True, slots=True)
class Near:
    """Other times, as long, at which one is free, and the price then."""

    interval: Interval
    price: BookingPrice


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A model: how many are free for the time that was asked for, and what that costs; where none is, what is near."""

    model: RentalModel
    count: int
    price: BookingPrice
    included_km: int | None
    packages: Sequence[PackageOffer]
    addons: Sequence[AddonOffer]
    near: Sequence[Near] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    station: Station
    offers: Sequence[Offer]


@dataclass(frozen=True, slots=True)
class _Shop:
    """What was read once for all models."""

    models: Sequence[RentalModel]
    packages: Sequence[RentalPackage]
    addons: Sequence[RentalAddon]
    # For when limited add-ons are out with others.
    out: Mapping[RentalAddonId, Sequence[Interval]]


async def list_offers(rt: Runtime, what: FindOffers) -> Offers:
    """First models that are free when it was wanted, the cheapest first; then those that are free near to that.

    Raises:
        Refusal: `rental_zone_not_found`, and by the rows of `booking_rules` about time.
    """
    operator, now = what.operator, rt.clock.now()
    async with rt.db.read() as tx:
        station = await catalog_queries.find_station(tx, operator.id, what.station_id)
        if station is None:
            raise errors.rental_zone_not_found()
        no = may_book_then(operator.settings.rentals, station, what.interval, operator.time_zone, now)
        if no is not None and (what.is_exact or no.code not in _MOVABLE):
            raise no
        addons = await catalog_queries.list_addons(tx, operator.id)
        limited = [one.id for one in addons if one.spec.stock is not None]
        shop = _Shop(
            models=await catalog_queries.list_rental_models(tx, operator.id),
            packages=await catalog_queries.list_packages(tx, operator.id),
            addons=addons,
            out=await booking_queries.list_addons_out(tx, operator.id, limited, what.interval) if limited else {},
        )
        wanted = Wanted(
            operator_id=operator.id,
            station_id=station.id,
            interval=what.interval,
            settings=operator.settings.rentals,
            now=now,
        )
        free = await availability.count_free(tx, wanted) if no is None else {}
        prices = _Prices(operator, what.words)
        others = [] if what.is_exact else [model.id for model in shop.models if model.id not in free]
        near = await _near(tx, what, station, wanted, others) if others else {}
        found = [
            _offer(what, shop, prices, model, free.get(model.id, 0), near.get(model.id, ()))
            for model in shop.models
            if model.id in free or model.id in near
        ]
    return Offers(station=station, offers=sorted(found, key=lambda one: (one.count == 0, one.price.total_minor)))


# Times that are not possible may have possible ones near to them.
_MOVABLE: Final = frozenset({"station_closed", "booking_too_soon"})


async def _near(
    tx: Tx, what: FindOffers, station: Station, wanted: Wanted, model_ids: Sequence[ModelId]
) -> dict[ModelId, list[Interval]]:
    """The nearest times before and after at which the station is open and one of a model is free, the nearest first."""
    shifted = [Interval(what.interval.start + shift, what.interval.end + shift) for shift in _SHIFTS]
    possible = [
        moved
        for moved in shifted
        if may_book_then(wanted.settings, station, moved, what.operator.time_zone, wanted.now) is None
    ]
    if not possible:
        return {}
    keeps = [slot_of(moved, wanted.settings.buffer_min) for moved in possible]
    within = Interval(min(each.start for each in keeps), max(each.end for each in keeps))
    calendars = await availability.read_calendars(tx, wanted, model_ids, within)
    found = {}
    for model_id, calendar in calendars.items():
        free = calendar.free_times(within, keeps[0].end - keeps[0].start)
        nearest: dict[bool, Interval] = {}
        for moved, kept in zip(possible, keeps, strict=True):
            is_later = moved.start > what.interval.start
            if is_later not in nearest and any(time.start <= kept.start and kept.end <= time.end for time in free):
                nearest[is_later] = moved
        if nearest:
            found[model_id] = list(nearest.values())
    return found


class _Prices:
    """What times cost, computed once for all models of a tariff."""

    def __init__(self, operator: Operator, words: Words) -> None:
        self._time_zone, self._words = operator.time_zone, words
        self._found: dict[tuple[RentalTariffId, RentalPackageId | None, Interval], BookingPrice] = {}
        self._spans: dict[Interval, Sequence[Span]] = {}

    def of(self, model: RentalModel, interval: Interval, package: RentalPackage | None = None) -> BookingPrice:
        key = model.tariff_id, None if package is None else package.id, interval
        if key not in self._found:
            self._found[key] = self._price(model, interval, package)
        return self._found[key]

    def _price(self, model: RentalModel, interval: Interval, package: RentalPackage | None) -> BookingPrice:
        terms = BookingTerms(
            tariff_id=model.tariff_id,
            tariff=model.tariff,
            time_zone=self._time_zone,
            package=None
            if package is None
            else AgreedRentalPackage(id=package.id, title=package.title, spec=package.spec),
        )
        if interval not in self._spans:
            self._spans[interval] = spans(interval, self._time_zone)
        return booking_price(terms, interval, self._words, self._spans[interval])


def _offer(
    what: FindOffers, shop: _Shop, prices: _Prices, model: RentalModel, count: int, near: Sequence[Interval]
) -> Offer:
    interval, time_zone = what.interval, what.operator.time_zone
    terms = BookingTerms(tariff_id=model.tariff_id, tariff=model.tariff, time_zone=time_zone)
    return Offer(
        model=model,
        count=count,
        price=prices.of(model, interval),
        included_km=included_km(terms, interval),
        packages=[
            PackageOffer(package, prices.of(model, interval, package))
            for package in shop.packages
            if package_fits(package.spec, model.ref, interval, time_zone)
        ],
        addons=_addons(shop, model, interval),
        near=[Near(other, prices.of(model, other)) for other in near],
    )


def _addons(shop: _Shop, model: RentalModel, interval: Interval) -> list[AddonOffer]:
    return [
        AddonOffer(
            one,
            None
            if one.spec.stock is None
            else max(0, one.spec.stock - most_at_once(shop.out.get(one.id, ()), interval)),
        )
        for one in addons_for(shop.addons, model)
    ]


async def list_open_stations(rt: Runtime, operator: Operator) -> list[Station]:
    """Every station that is not retired, by title."""
    async with rt.db.glance() as tx:
        return await catalog_queries.list_stations(tx, operator.id)
