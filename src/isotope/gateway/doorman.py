"""Who may come in: limits by network address, before anything is known of the unit."""

from collections import Counter, OrderedDict

from isotope.gateway.buckets import Bucket
from isotope.gateway.limits import Limits


class Doorman:
    """One a process. Memory is bounded whatever comes."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._inside = 0
        self._unnamed: Counter[str] = Counter()
        self._failures: OrderedDict[str, Bucket] = OrderedDict()
        self._welcomed: OrderedDict[str, None] = OrderedDict()

    def enter(self, address: str) -> bool:
        """A socket opens; False: hang up. Every True is followed by one `named` and one `leave`."""
        if self._inside >= self._limits.connections or self._unnamed[address] >= self._limits.unnamed_per_address:
            return False
        self._inside += 1
        self._unnamed[address] += 1
        return True

    def named(self, address: str) -> None:
        """The socket has logged in, or will not any more."""
        self._unnamed[address] -= 1
        if not self._unnamed[address]:
            del self._unnamed[address]

    def leave(self) -> None:
        self._inside -= 1

    def may_try(self, address: str, identity: str, now_s: float) -> bool:
        """Whether a login is looked up at all.

        An address that failed too often is not, except for units that logged in before: one box with a wrong secret
        does not lock out the fleet behind the same carrier gateway.
        """
        bucket = self._failures.get(address)
        return bucket is None or identity in self._welcomed or not bucket.is_empty(now_s)

    def failed(self, address: str, now_s: float) -> None:
        bucket = self._failures.pop(address, None) or Bucket(self._limits.failures, now_s)
        bucket.take(now_s)
        self._failures[address] = bucket
        if len(self._failures) > self._limits.addresses:
            self._failures.popitem(last=False)

    def welcomed(self, identity: str) -> None:
        self._welcomed[identity] = None
        self._welcomed.move_to_end(identity)
        if len(self._welcomed) > self._limits.known_units:
            self._welcomed.popitem(last=False)
