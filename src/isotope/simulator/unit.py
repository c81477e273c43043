"""One simulated vehicle with its box: what it is, how it moves, what it says to a command. No sockets here."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

import msgspec

from isotope.iot.model import PARAMETER, AckStatus, CommandName, Scalar
from isotope.kernel.geo import Point
from isotope.simulator import battery
from isotope.simulator.manners import WELL_BEHAVED, Manners
from isotope.simulator.path import Path

# Commands that change nothing that the unit reports.
_HARMLESS: Final = frozenset(CommandName) - {CommandName.LOCK, CommandName.UNLOCK, CommandName.RAW}
_LONGEST_INTERVAL_S: Final = 3600
# With its throttle off somebody pushes it.
_PUSHED_KMH: Final = 4.0


class UnitState(msgspec.Struct, kw_only=True):
    """What a unit keeps over a restart."""

    lat: float
    lon: float
    battery_pct: float
    locked: bool
    odometer_m: float


@dataclass(frozen=True, slots=True)
class Reply:
    """What a unit says to a command: after `delay_s`; a status of None is silence."""

    status: AckStatus | None
    code: str | None = None
    delay_s: float = 0.0
    locked: bool | None = None
    event: str | None = None
    """A report with this event follows."""
    reboot: bool = False


@dataclass(slots=True)
class Errand:
    """The line that the vehicle is moved along."""

    path: Path
    metres_per_second: float
    """How fast it really moves here, acceleration included."""
    shown_kmh: float
    """What its speedometer says: the speed of the real trip."""
    along_m: float = 0.0


@dataclass(slots=True, kw_only=True)
class Unit:
    """A vehicle as its box knows it."""

    nr: str
    identity: str
    secret: str
    model: str
    position: Point
    battery_pct: float = 90.0
    locked: bool = True
    odometer_m: float = 0.0
    range_m: float = battery.RANGE_M
    charge_below_pct: float = battery.CHARGE_BELOW_PCT
    manners: Manners = WELL_BEHAVED
    charging: bool = False
    errand: Errand | None = None
    wished_interval_s: float | None = None
    limit_kmh: int | None = None
    throttle: bool = True

    @property
    def speed_kmh(self) -> float:
        """As fast as its errand goes, its limit allows, and its rider can push when the throttle is off."""
        if self.errand is None:
            return 0.0
        limits = (self.limit_kmh, None if self.throttle else _PUSHED_KMH)
        return min(self.errand.shown_kmh, *(limit for limit in limits if limit is not None), math.inf)

    def advance(self, seconds: float) -> bool:
        """Let time pass: move along the errand, or stand and charge. True when the errand came to its end."""
        errand = self.errand
        if errand is None:
            self._stand(seconds)
            return False
        slowed = self.speed_kmh / errand.shown_kmh if errand.shown_kmh > 0 else 1.0
        along_m = min(errand.path.length_m, errand.along_m + errand.metres_per_second * slowed * seconds)
        moved_m = along_m - errand.along_m
        errand.along_m = along_m
        self.position = errand.path.at(along_m)
        self.odometer_m += moved_m
        self.battery_pct = battery.ridden(self.battery_pct, moved_m, self.range_m)
        self.charging = False
        if along_m < errand.path.length_m:
            return False
        self.errand = None
        return True

    def send_on(self, path: Path, *, seconds: float, shown_kmh: float) -> None:
        """Start along `path`, to be at its end in `seconds`. What lies between here and its start is ridden too."""
        if path.start != self.position:
            path = Path([self.position, *path.points])
        self.errand = Errand(path, path.length_m / max(seconds, 0.001), shown_kmh)

    def carry_to(self, point: Point) -> None:
        """Put it somewhere else by hand: nothing is ridden."""
        self.errand = None
        self.position = point

    def obey(self, name: CommandName, params: Mapping[str, Scalar], rng: Random) -> Reply:
        """What the unit does and answers; changes the unit.

        | manners drawn       | answer                        | state          |
        |---------------------|-------------------------------|----------------|
        | mute                | none                          | unchanged      |
        | refuse              | failed, `refused`             | unchanged      |
        | late                | as below, after `late_s`      | as below       |
        | lie (lock, unlock)  | done with the old lock        | unchanged      |
        | none                | done with the new lock        | changed        |

        A moving vehicle does not lock (`moving`); an unknown command is unsupported. A speed limit and a throttle that
        is off hold until they are changed.
        """
        manners = self.manners
        if rng.random() < manners.mute:
            return Reply(None)
        if rng.random() < manners.refuse:
            return Reply(AckStatus.FAILED, "refused", locked=self.locked)
        delay_s = manners.late_s if rng.random() < manners.late else rng.uniform(*manners.reaction_s)
        if name in {CommandName.LOCK, CommandName.UNLOCK}:
            return self._turn_lock(locked=name is CommandName.LOCK, delay_s=delay_s, lie=rng.random() < manners.lie)
        if name not in _HARMLESS:
            return Reply(AckStatus.UNSUPPORTED, delay_s=delay_s)
        self._set(name, params)
        event = "located" if name is CommandName.LOCATE else None
        return Reply(
            AckStatus.DONE, delay_s=delay_s, locked=self.locked, event=event, reboot=name is CommandName.REBOOT
        )

    def _turn_lock(self, *, locked: bool, delay_s: float, lie: bool) -> Reply:
        if locked and self.errand is not None:
            return Reply(AckStatus.FAILED, "moving", delay_s, self.locked)
        if not lie:
            self.locked = locked
        return Reply(AckStatus.DONE, None, delay_s, self.locked, "locked" if self.locked else "unlocked")

    def _set(self, name: CommandName, params: Mapping[str, Scalar]) -> None:
        """What changes how it reports and goes."""
        wished = params.get(PARAMETER[name]) if name in PARAMETER else None
        match name, wished:
            case CommandName.REPORT_INTERVAL, int() if 1 <= wished <= _LONGEST_INTERVAL_S:
                self.wished_interval_s = float(wished)
            case CommandName.SPEED_LIMIT, int():
                self.limit_kmh = wished
            case CommandName.ENGINE, bool():
                self.throttle = wished

    def _stand(self, seconds: float) -> None:
        if self.locked:
            self.charging = battery.is_charging(
                self.battery_pct, was_charging=self.charging, below_pct=self.charge_below_pct
            )
        else:
            self.charging = False
        if self.charging:
            self.battery_pct = battery.charged(self.battery_pct, seconds)
        else:
            self.battery_pct = battery.idled(self.battery_pct, seconds)

    def memory(self) -> UnitState:
        return UnitState(
            lat=self.position.lat,
            lon=self.position.lon,
            battery_pct=self.battery_pct,
            locked=self.locked,
            odometer_m=self.odometer_m,
        )

    def remember(self, state: UnitState) -> None:
        self.position = Point(state.lat, state.lon)
        self.battery_pct, self.locked, self.odometer_m = state.battery_pct, state.locked, state.odometer_m
