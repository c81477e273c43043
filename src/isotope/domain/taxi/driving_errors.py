"""The noes to who drives, cancels or rates a trip."""

from isotope.kernel.errors import Fault, Kind, Refusal, invalid
from isotope.kernel.money import Money


def offer_not_found() -> Refusal:
    """The driver was made no such offer."""
    return Refusal(Kind.NOT_FOUND, "offer_not_found")


def offer_taken() -> Refusal:
    """Another driver has the trip, or nobody wants it any more."""
    return Refusal(Kind.CONFLICT, "offer_taken")


def offer_ended() -> Refusal:
    """The driver answered before, or too late."""
    return Refusal(Kind.CONFLICT, "offer_ended")


def promise_clashes() -> Refusal:
    """The driver has promised another trip at about that time."""
    return Refusal(Kind.CONFLICT, "promise_clashes")


def position_unknown(seconds: int) -> Refusal:
    """Nobody knows where the driver is."""
    return Refusal(Kind.CONFLICT, "driver_position_unknown", {"seconds": seconds}, {"seconds": seconds})


def too_far_from_pick_up(away_m: int, allowed_m: int) -> Refusal:
    """Arrived is said at the pick-up."""
    return Refusal(
        Kind.CONFLICT,
        "too_far_from_pick_up",
        {"away_m": away_m, "allowed_m": allowed_m},
        {"away_m": away_m, "allowed_m": allowed_m},
    )


def wrong_pin() -> Refusal:
    """The rider reads it in their app."""
    return Refusal(Kind.CONFLICT, "wrong_pin")


def too_early_for_no_show(seconds: int) -> Refusal:
    """A driver waits before saying that nobody came."""
    return Refusal(Kind.CONFLICT, "too_early_for_no_show", {"seconds": seconds}, {"seconds": seconds})


def unknown_stop(nrs: list[int]) -> Refusal:
    """Only stops on the way are reached; `nrs`: those that are still ahead."""
    named = ", ".join(map(str, nrs)) or "none is left"
    return invalid(Fault("stop", f"the number of a stop on the way that is still ahead is expected: {named}"))


def cash_not_due() -> Refusal:
    """Nothing is to be paid in cash."""
    return Refusal(Kind.CONFLICT, "cash_not_due")


def too_much_cash(due: Money) -> Refusal:
    """No more than the fare is taken; change is given at once."""
    return invalid(Fault("amount", f"at most what is due is expected: {due.text()}"))


def already_rated() -> Refusal:
    """A trip is rated once."""
    return Refusal(Kind.CONFLICT, "trip_already_rated")


def too_early_to_set_off(seconds: int) -> Refusal:
    """The trip is for later."""
    return Refusal(Kind.CONFLICT, "too_early_to_set_off", {"minutes": -(-seconds // 60)}, {"seconds": seconds})
