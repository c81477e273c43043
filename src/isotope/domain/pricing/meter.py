"""From what happened to how long it took."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from isotope.domain.pricing.model import Usage, UsageEvent, UsageKind

_SECOND: Final = timedelta(seconds=1)

_WAITING: Final = "waiting"
_RIDING: Final = "riding"
_PAUSED: Final = "paused"
_STOPPED: Final = "stopped"
_KINDS: Final = frozenset(kind.value for kind in UsageKind)
_NEXT: Final[dict[tuple[str, str], str]] = {
    (_WAITING, UsageKind.STARTED): _RIDING,
    (_RIDING, UsageKind.PAUSED): _PAUSED,
    (_PAUSED, UsageKind.RESUMED): _RIDING,
    (_RIDING, UsageKind.ENDED): _STOPPED,
    (_PAUSED, UsageKind.ENDED): _STOPPED,
}


def usage(events: Sequence[UsageEvent], until: datetime) -> Usage:
    """Seconds ridden and paused up to `until`, from a ride's events in the order in which they were recorded.

    ========  =========  ========  ========  =========
    meter     STARTED    PAUSED    RESUMED   ENDED
    ========  =========  ========  ========  =========
    waiting   riding     waiting   waiting   waiting
    riding    riding     paused    riding    stopped
    paused    paused     paused    riding    stopped
    stopped   stopped    stopped   stopped   stopped
    ========  =========  ========  ========  =========

    - What is open at the end (riding or paused) runs until `until`; what is later than `until` has not happened yet,
      so the same events give the running price at any moment.
    - The recorded order counts, not the clock: an event that says it is earlier than the one before it happened at the
      same instant as that one. Processes with unequal clocks so never bill a second twice and never a negative one.
    - An event that does not fit (a second PAUSED, a RESUMED while riding) changes nothing.
    - A kind that is none of these is passed over, with its time: what else is recorded of a ride never changes its price.
    - Fractions of a second are summed too, and then dropped once: 60.9 s are 60 s, one minute and not two.
    """
    ridden = paused = timedelta()
    meter = _WAITING
    last: datetime | None = None
    for event in events:
        if event.kind not in _KINDS:
            continue
        if event.at > until:
            break
        at = event.at if last is None else max(last, event.at)
        if last is not None:
            ridden += at - last if meter == _RIDING else timedelta()
            paused += at - last if meter == _PAUSED else timedelta()
        meter = _NEXT.get((meter, event.kind), meter)
        last = at
    if last is not None:
        ridden += until - last if meter == _RIDING else timedelta()
        paused += until - last if meter == _PAUSED else timedelta()
    return Usage(ride_s=ridden // _SECOND, pause_s=paused // _SECOND)
