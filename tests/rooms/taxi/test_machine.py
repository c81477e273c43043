"""Every change of status by every role, against the table."""

import itertools

import pytest

from isotope.domain.taxi.machine import CHANGES, Role, may_change, role_of
from isotope.domain.taxi.model import TripStatus
from isotope.kernel.actor import SECRET_KEY, SYSTEM, Actor, driver_actor, rider_actor
from isotope.kernel.ids import DriverId, RiderId

S = TripStatus
ROLES: tuple[Role, ...] = ("rider", "driver", "staff", "system")
ALLOWED: set[tuple[TripStatus, TripStatus, Role]] = {
    *((S.AUTHORISING, to, "system") for to in (S.REQUESTED, S.SCHEDULED, S.CANCELED)),
    (S.AUTHORISING, S.CANCELED, "rider"),
    (S.AUTHORISING, S.CANCELED, "staff"),
    (S.REQUESTED, S.ACCEPTED, "driver"),
    (S.REQUESTED, S.ACCEPTED, "staff"),
    *((S.REQUESTED, S.CANCELED, role) for role in ("rider", "staff", "system")),
    (S.SCHEDULED, S.REQUESTED, "system"),
    *((S.SCHEDULED, S.ACCEPTED, role) for role in ("driver", "staff", "system")),
    *((S.SCHEDULED, S.CANCELED, role) for role in ("rider", "staff", "system")),
    (S.ACCEPTED, S.ARRIVED, "driver"),
    *((before, S.REQUESTED, role) for before in (S.ACCEPTED, S.ARRIVED) for role in ("driver", "staff")),
    *((before, S.CANCELED, role) for before in (S.ACCEPTED, S.ARRIVED) for role in ROLES),
    (S.ARRIVED, S.STARTED, "driver"),
    (S.STARTED, S.ENDED, "driver"),
    (S.STARTED, S.ENDED, "staff"),
}


@pytest.mark.parametrize(("before", "after", "role"), list(itertools.product(S, S, ROLES)))
def test_who_may_change_what_into_what(before: TripStatus, after: TripStatus, role: Role) -> None:
    no = may_change(before, after, role)
    assert (no is None) == ((before, after, role) in ALLOWED)
    assert no is None or no.code == "trip_status"


def test_final_states_are_final() -> None:
    assert not [change for change in CHANGES if change[0].is_final]


def test_a_refusal_says_from_where_it_can_be_done() -> None:
    no = may_change(S.REQUESTED, S.STARTED, "driver")
    assert no is not None
    assert no.details == {"status": "REQUESTED", "allowed": ["ARRIVED"]}


@pytest.mark.parametrize(
    ("actor", "role"),
    [
        (rider_actor(RiderId(7)), "rider"),
        (SECRET_KEY, "rider"),
        (driver_actor(DriverId(7)), "driver"),
        (Actor("staff:3"), "staff"),
        (SYSTEM, "system"),
    ],
)
def test_roles_of_actors(actor: Actor, role: Role) -> None:
    assert role_of(actor) == role
