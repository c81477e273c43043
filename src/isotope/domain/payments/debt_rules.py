"""When a debt is tried to be collected, and from which card. Pure.

`next_try` with `debt_after_min` = 0, 60, 1440 and a debt that arose at 12:00:

| after               | next try                                       |
|---------------------|------------------------------------------------|
| (not tried yet)     | 12:00: at once                                 |
| 12:00, the first try| 13:00                                          |
| 12:30, an extra try | 13:00: an extra try costs none of the others   |
| 13:00               | 12:00 the next day                             |
| 14:00, came late    | 12:00 the next day                             |
| 12:00 the next day  | none: given up                                 |

Times that have passed are not made up for: a worker that was away for days tries once, not once for each.

From which card (first match; only active cards of the provider of this installation count):

| fact                                      | card          |
|-------------------------------------------|---------------|
| a card was asked for, and it can be used  | that          |
| a card was asked for, and it cannot       | none          |
| the card chosen for SHARING can be used   | that          |
| any card can be used                      | the newest    |
| else                                      | none          |

Source: domain rules, "Debt: charge at once, +1 h, +24 h, +5 d, +10 d".
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from isotope.domain.payments.model import Card, CardId, CardStatus


def next_try(offsets_min: Sequence[int], since: datetime, after: datetime | None) -> datetime | None:
    """The first time of the schedule that is later than `after` (None: the first of all); None: given up.

    Args:
        offsets_min: minutes after `since`, rising.
        since: when the debt arose.
        after: when it was tried last.
    """
    times = (since + timedelta(minutes=minutes) for minutes in offsets_min)
    return next((at for at in times if after is None or at > after), None)


def card_to_charge(
    cards: Sequence[Card], provider: str, *, chosen: CardId | None, asked: CardId | None = None
) -> Card | None:
    """By the second table above; `cards` are the rider's, newest first."""
    usable = [card for card in cards if card.status is CardStatus.ACTIVE and card.provider == provider]
    if asked is not None:
        return next((card for card in usable if card.id == asked), None)
    return next((card for card in usable if card.id == chosen), next(iter(usable), None))
