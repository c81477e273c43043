"""Every bound of the gateway on one page. Tests use smaller ones."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Times in seconds, sizes in bytes, rates a second.

    Attributes:
        report_interval_s: how often units are asked to report; told in the welcome.
        idle_s: a unit that says nothing for so long is hung up on: 2.5 intervals.
        hello_s: time for the first message.
        silent_after_s: another address takes over a unit whose socket said nothing for so long.
        connections: sockets of the process; unnamed_per_address: those of one network address that have not logged
            in. Units behind one carrier gateway share an address, so logged-in ones are not counted.
        failures: logins with a wrong name or secret that one address has at once, and how many more a second.
        addresses: how many addresses are remembered.
        frames: messages that a unit may send at once, and how many a second in the long run; more are read later.
        bad_frames: unreadable lines that a unit may send at once, and how many more a second; then it is hung up on.
        read_bytes: what is read at once; unread_bytes: what waits for a unit that does not read, before it is hung up on.
        kernel_bytes: what the system takes from a unit before we read; units send little, and there are many of them.
        batch_rows: reports of one write; batch_s: at most one write in so long; pending: reports that wait for the
            store, before the gateway stops reading.
        logins: logins that are looked up at once; commands: commands that wait to be written to units.
        known_units: units whose latest reports are remembered after they have gone.
        lease_s, renew_s: see `devices.usecases.gateway_life`; touch_s: units' `last_seen_at` is so old at most.
        stop_s: time to write what is pending when the process stops.
    """

    report_interval_s: int = 30
    idle_s: float = 75.0
    hello_s: float = 10.0
    silent_after_s: float = 30.0
    connections: int = 20_000
    unnamed_per_address: int = 1_000
    failures: tuple[int, float] = (20, 0.5)
    addresses: int = 10_000
    frames: tuple[int, float] = (500, 20.0)
    bad_frames: tuple[int, float] = (20, 0.2)
    read_bytes: int = 8_192
    unread_bytes: int = 32_768
    kernel_bytes: int = 32_768
    batch_rows: int = 500
    batch_s: float = 0.2
    pending: int = 5_000
    logins: int = 4
    commands: int = 10_000
    known_units: int = 20_000
    lease_s: float = 10.0
    renew_s: float = 2.0
    touch_s: float = 10.0
    stop_s: float = 5.0
