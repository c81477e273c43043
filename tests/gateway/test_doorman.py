"""Limits by address, and rates."""

import pytest

from isotope.gateway.buckets import Bucket
from isotope.gateway.doorman import Doorman
from isotope.gateway.limits import Limits

LIMITS = Limits(connections=3, unnamed_per_address=2, failures=(2, 0.5), addresses=2, known_units=2)


def test_a_bucket_gives_what_it_has_and_fills_again() -> None:
    bucket = Bucket((2, 0.5), 100.0)
    assert [bucket.take(100.0) for _ in range(3)] == [True, True, False]
    assert not bucket.take(101.9)
    assert bucket.take(102.0)
    assert [bucket.take(1_000.0) for _ in range(3)] == [True, True, False]


def test_borrowing_says_how_long_to_wait() -> None:
    bucket = Bucket((2, 4.0), 0.0)
    assert [bucket.borrow(0.0) for _ in range(4)] == [0.0, 0.0, 0.25, 0.5]
    assert bucket.borrow(0.75) == 0.0


def test_sockets_are_counted() -> None:
    doorman = Doorman(LIMITS)
    assert [doorman.enter(address) for address in "aaa"] == [True, True, False]
    assert [doorman.enter(address) for address in "bb"] == [True, False]
    doorman.leave()
    assert not doorman.enter("a")
    doorman.named("a")
    assert doorman.enter("a")


def test_named_sockets_of_an_address_are_as_many_as_there_is_room_for() -> None:
    doorman = Doorman(LIMITS)
    for _ in range(3):
        assert doorman.enter("a")
        doorman.named("a")
    assert not doorman.enter("a")


def test_failures_close_the_door_to_strangers_only() -> None:
    doorman = Doorman(LIMITS)
    doorman.welcomed("known")
    for _ in range(2):
        assert doorman.may_try("a", "stranger", 0.0)
        doorman.failed("a", 0.0)
    assert not doorman.may_try("a", "stranger", 0.0)
    assert doorman.may_try("a", "known", 0.0)
    assert doorman.may_try("b", "stranger", 0.0)
    assert doorman.may_try("a", "stranger", 2.0)


@pytest.mark.parametrize("count", [100])
def test_memory_is_bounded(count: int) -> None:
    doorman = Doorman(LIMITS)
    for number in range(count):
        doorman.failed(f"address-{number}", 0.0)
        doorman.welcomed(f"unit-{number}")
        if doorman.enter(f"address-{number}"):
            doorman.named(f"address-{number}")
            doorman.leave()
    assert len(doorman._failures) == LIMITS.addresses
    assert len(doorman._welcomed) == LIMITS.known_units
    assert not doorman._unnamed
