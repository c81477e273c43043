"""A running ride's money: when it runs out, and what is done about it. Pure.

What a look at a ride decides (first match; `left` is bonus and balance less what all open rides of the rider cost so
far; the limit is the operator's `auto_stop_minor`):

| fact                                                        | decision | next look         |
|-------------------------------------------------------------|----------|-------------------|
| over; not told to go slow, or let go again                  | NOTHING  | none              |
| over; told to go slow                                       | RELEASE  | in a minute       |
| waits for the vehicle's word                                | WAIT     | 15 s              |
| an automatic top-up would be made now                       | TOP_UP   | 15 s              |
| no limit, or left above it; told to go slow, or not let go  | RELEASE  | 15 s              |
| no limit for this ride; the rider wants top-ups             | WAIT     | when it changes   |
| no limit for this ride                                      | NOTHING  | none              |
| left above limit and warning                                | WAIT     | when it changes   |
| not warned since money came in                              | WARN     | when it changes, or 15 s |
| left above the limit                                        | WAIT     | when it changes   |
| rides on, can be slowed, and was not told to                | SLOW     | 15 s              |
| stands, where rides may end, and no top-up is on its way    | STOP     | 15 s, ever later when its lock does not close |
| rides on, was told to go slow, and did not obey             | SLOW     | 15 s              |
| else                                                        | WAIT     | 15 s              |

A ride has no limit when the operator has none, when a card pays it, and with `skip_auto_stop`. A vehicle stands when
its unit said so lately (`devices.may_send`): nothing else ever stops one. "When it changes" is computed from the
tariffs, and ten minutes at most, because money also goes other ways.

Source: domain rules, "Auto-stop: at balance limit y and no top-up succeeded, stop the ride; alternative: slow to
walking speed and notify"; issue "the vehicle slows and stops only when safe".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from isotope.domain.pricing import NOTHING_AT_END, Agreed, AtEnd, Usage, bill
from isotope.domain.sharing.model import EventKind, RideEvent

SOON_S: Final = 15
LATER_S: Final = 60
MOST_S: Final = 600

# Why an end was refused: not the rider asked for it, so it is no first try of theirs.
STOP_NOT_CONFIRMED: Final = "stop_not_confirmed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """What a ride has used so far, and which of the two runs on."""

    agreed: Agreed
    usage: Usage
    runs: Literal["RIDE", "PAUSE"] | None
    at_end: AtEnd = NOTHING_AT_END

    def cost_minor(self, seconds: int) -> int:
        """What the ride costs so many seconds from now."""
        used = Usage(
            ride_s=self.usage.ride_s + (seconds if self.runs == "RIDE" else 0),
            pause_s=self.usage.pause_s + (seconds if self.runs == "PAUSE" else 0),
            distance_m=self.usage.distance_m,
        )
        return bill(self.agreed, used, self.at_end).total_minor


def cost_minor(meters: Sequence[Meter], seconds: int = 0) -> int:
    """What the rides cost together so many seconds from now."""
    return sum(meter.cost_minor(seconds) for meter in meters)


def second_of_cost(meters: Sequence[Meter], amount_minor: int, most_s: int) -> int | None:
    """The first second from now at which the rides cost that much; None: not within `most_s`.

    Costs never fall, so halving finds it.
    """
    if cost_minor(meters, most_s) < amount_minor:
        return None
    low, high = 0, most_s
    while low < high:
        middle = (low + high) // 2
        if cost_minor(meters, middle) >= amount_minor:
            high = middle
        else:
            low = middle + 1
    return low


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """At which amounts left something is to happen; None: never."""

    limit_minor: int | None
    warn_minor: int
    top_up_below_minor: int | None


def seconds_to_change(
    meters: Sequence[Meter], limits: Limits, *, balance_minor: int, bonus_minor: int, most_s: int = MOST_S
) -> int:
    """Until the next of the warning, the limit and the threshold of a top-up is reached; `most_s` at most.

    What is reached already does not count. Bonus is spent first, and counts for the limit, not for the threshold.
    """
    now_minor = cost_minor(meters)
    has_minor = balance_minor + bonus_minor
    targets = []
    if limits.limit_minor is not None:
        targets += [has_minor - limits.limit_minor - limits.warn_minor, has_minor - limits.limit_minor]
    if limits.top_up_below_minor is not None:
        targets.append(has_minor - limits.top_up_below_minor + 1)
    seconds = [second_of_cost(meters, target, most_s) for target in targets if target > now_minor]
    return min((found for found in seconds if found is not None), default=most_s)


Phase = Literal["RIDING", "PAUSED", "WAITING", "OVER"]


class Step(StrEnum):
    """What a look at a ride comes to."""

    NOTHING = "NOTHING"
    WAIT = "WAIT"
    TOP_UP = "TOP_UP"
    WARN = "WARN"
    SLOW = "SLOW"
    STOP = "STOP"
    RELEASE = "RELEASE"


@dataclass(frozen=True, slots=True, kw_only=True)
class FundsFacts:
    """What a look decides on.

    Attributes:
        phase: of the ride; WAITING for the vehicle's word on a command.
        left_minor: may be below zero.
        limit_minor: None: this ride is not stopped.
        wants_top_up: the rider wants automatic top-ups, whether or not one can be made.
        top_up_now: one would be made now.
        on_its_way: one is being made.
        warned: since money came in.
        told: what the vehicle was told last about its speed because of this.
        obeyed: and did, or has still time to.
        can_slow: its unit takes a limit that is safe to send.
        stands: its unit said so lately.
        may_end: rides may end where it is.
        stops_failed: how often its lock did not close.
        change_s: `seconds_to_change`.
    """

    phase: Phase
    left_minor: int
    limit_minor: int | None
    warn_minor: int
    wants_top_up: bool
    top_up_now: bool
    on_its_way: bool
    warned: bool
    told: Literal["SLOW", "FULL"] | None
    obeyed: bool
    can_slow: bool
    stands: bool
    may_end: bool
    stops_failed: int
    change_s: int


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, and in how many seconds to look again; None: never."""

    step: Step
    look_s: int | None


def funds_watch(facts: FundsFacts) -> Decision:
    """By the table above."""
    told_slow = facts.told == "SLOW" or (facts.told == "FULL" and not facts.obeyed)
    if facts.phase == "OVER":
        return Decision(Step.RELEASE, LATER_S) if told_slow else Decision(Step.NOTHING, None)
    if facts.phase == "WAITING":
        return Decision(Step.WAIT, SOON_S)
    if facts.top_up_now:
        return Decision(Step.TOP_UP, SOON_S)
    if facts.limit_minor is None or facts.left_minor > facts.limit_minor:
        return _has_money(facts, told_slow=told_slow)
    return _at_limit(facts)


def _has_money(facts: FundsFacts, *, told_slow: bool) -> Decision:
    if told_slow:
        return Decision(Step.RELEASE, SOON_S)
    if facts.limit_minor is None:
        return Decision(Step.WAIT, facts.change_s) if facts.wants_top_up else Decision(Step.NOTHING, None)
    is_low = facts.left_minor <= facts.limit_minor + facts.warn_minor
    return Decision(Step.WARN if is_low and not facts.warned else Step.WAIT, facts.change_s)


def _at_limit(facts: FundsFacts) -> Decision:
    if not facts.warned:
        return Decision(Step.WARN, SOON_S)
    is_riding = facts.phase == "RIDING" and facts.can_slow
    if is_riding and facts.told != "SLOW":
        return Decision(Step.SLOW, SOON_S)
    if facts.stands and facts.may_end and not facts.on_its_way:
        return Decision(Step.STOP, min(SOON_S << min(facts.stops_failed, 10), MOST_S))
    return Decision(Step.SLOW if is_riding and not facts.obeyed else Step.WAIT, SOON_S)


def last_told(events: Sequence[RideEvent]) -> Literal["SLOW", "FULL"] | None:
    """What a ride's vehicle was told last about its speed."""
    told = [event.kind for event in events if event.kind in (EventKind.SLOWED, EventKind.RELEASED)]
    if not told:
        return None
    return "SLOW" if told[-1] is EventKind.SLOWED else "FULL"


def was_warned(events: Sequence[RideEvent], has_minor: int) -> bool:
    """Whether the rider was warned and has got no money since: `has_minor` is bonus and balance now."""
    warnings = [event for event in events if event.kind is EventKind.FUNDS_LOW]
    return bool(warnings) and int(warnings[-1].data.get("has_minor", 0)) >= has_minor


def stops_failed(events: Sequence[RideEvent]) -> int:
    """How often the vehicle did not lock when the money was used up."""
    return sum(
        event.kind is EventKind.END_REFUSED and event.data.get("reason") == STOP_NOT_CONFIRMED for event in events
    )
