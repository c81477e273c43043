"""What follows when a period is over, is paid, or is not. Pure.

What to do when the worker looks at a subscription (first match):

| fact                                                        | then                                       |
|-------------------------------------------------------------|--------------------------------------------|
| it is over, or a card is being asked                        | nothing                                    |
| its period still runs                                       | nothing, look again at its end             |
| the rider cancelled, or is about to be deleted or is        | it ends                                    |
| the plan is offered no more, or renews no more              | it ends, and the rider is told             |
| else                                                        | it is renewed                              |

Under which terms it is renewed (first match):

| fact                                                                    | terms                        |
|-------------------------------------------------------------------------|------------------------------|
| the rider was told of the plan as it is now, `notice` before the period's end | the plan's, as it is now |
| else                                                                    | those of the period before   |

So a price rises only for who knew long enough that it would, and could cancel.

When the next period begins:

| fact                                                        | it begins                                  |
|-------------------------------------------------------------|--------------------------------------------|
| the first                                                   | when it is paid                            |
| paid within `SEAMLESS` of the end of the period before      | at that end                                |
| paid later: nothing could be used meanwhile                 | when it is paid                            |

After a renewal that was not paid (`retry_after_min` = 60, 1440, 4320; the period ended at 12:00):

| tried at                 | next try                                    |
|--------------------------|---------------------------------------------|
| 12:00                    | 13:00                                       |
| 12:30, by the rider      | 13:00: a try by hand costs none of the others |
| 13:00                    | 12:00 the next day                          |
| 12:00 on the third day   | none: it ends                               |
| any, after a cancel      | none: it ends                               |

Times that have passed are not made up for.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from isotope.domain.subscriptions.model import Period, Plan, PlanSpec, Subscription

# The worker and a card take seconds; who waited no longer than this has lost nothing.
SEAMLESS: Final = timedelta(minutes=10)


class Todo(StrEnum):
    """See the first table."""

    NOTHING = "NOTHING"
    WAIT = "WAIT"
    END = "END"
    END_AND_TELL = "END_AND_TELL"
    RENEW = "RENEW"


def what_to_do(
    subscription: Subscription, plan: Plan, now: datetime, *, rider_stays: bool, card_is_asked: bool
) -> Todo:
    """By the first table."""
    if not subscription.is_live or subscription.period_end is None or card_is_asked:
        return Todo.NOTHING
    if now < subscription.period_end:
        return Todo.WAIT
    if not (subscription.renews and rider_stays):
        return Todo.END
    if plan.retired_at is not None or not plan.spec.renews:
        return Todo.END_AND_TELL
    return Todo.RENEW


def terms_of_renewal(
    subscription: Subscription, plan: Plan, paid: Period, period_end: datetime, notice: timedelta
) -> tuple[str, PlanSpec]:
    """Title and terms of the next period, by the second table; `paid` is the period before."""
    is_told = subscription.told_version == plan.version and subscription.told_at + notice <= period_end
    return (plan.title, plan.spec) if is_told else (paid.title, paid.spec)


def new_terms_begin_at(period_end: datetime, length: timedelta, now: datetime, notice: timedelta) -> datetime:
    """For who is told now: the first end of a period that is `notice` away, if each is renewed without a break."""
    missing = now + notice - period_end
    return period_end if missing <= timedelta(0) else period_end + -(-missing // length) * length


def period_starts_at(previous_end: datetime | None, now: datetime) -> datetime:
    """By the third table."""
    if previous_end is not None and previous_end <= now <= previous_end + SEAMLESS:
        return previous_end
    return now


def next_try_at(
    retry_after_min: Sequence[int], period_end: datetime, now: datetime, *, renews: bool
) -> datetime | None:
    """By the last table; None: it ends."""
    if not renews:
        return None
    times = (period_end + timedelta(minutes=minutes) for minutes in retry_after_min)
    return next((at for at in times if at > now), None)
