"""A unit logs in."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from isotope.domain.devices import rules, store
from isotope.domain.devices.model import Device, RefusedReason
from isotope.domain.devices.secrets import is_secret
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import CommandId


class OpenSession(msgspec.Struct, frozen=True, kw_only=True):
    """A login as the gateway received it.

    Args:
        session_nr: tells this socket from all others of the gateway process.
        heard_at: when the gateway's own older socket of this unit last said something, if it has one: fresher than
            the store's `last_seen_at`.
        silent_after_s: an older socket that said nothing for so long gives way.
    """

    protocol: str
    identity: str
    secret: str
    gateway_id: UUID
    session_nr: int
    address: str
    heard_at: datetime | None = None
    silent_after_s: float = 30.0

    def __repr__(self) -> str:
        return f"OpenSession({self.protocol}, …{self.identity[-4:]})"


class OpenedSession(msgspec.Struct, frozen=True, kw_only=True):
    """The device as it is now connected, and commands that were asked for while it was on its way here."""

    device: Device
    waiting: Sequence[CommandId] = ()


async def open_session(rt: Runtime, command: OpenSession) -> OpenedSession | RefusedReason:
    """The device, now connected to this gateway, or why not. Of an unknown unit nothing is stored.

    The device's row is locked meanwhile, so of two logins at once one comes second and is judged against the first.
    """
    now = rt.clock.now()
    async with rt.db.write() as tx:
        known = await store.lock_device_by_identity(tx, command.protocol, command.identity, now)
        if not is_secret(command.secret, known.secret_hash if known else None) or known is None:
            return RefusedReason.UNKNOWN
        elsewhere = known.session_id if known.session_alive else None
        own = elsewhere == command.gateway_id
        if elsewhere is not None and not rules.may_replace_session(
            old_address=known.session_address,
            old_seen_at=(command.heard_at or known.last_seen_at) if own else known.last_seen_at,
            address=command.address,
            now=now,
            silent_after_s=command.silent_after_s,
        ):
            return RefusedReason.CONFLICT
        device = Device(
            operator_id=known.operator_id,
            id=known.id,
            protocol=known.protocol,
            identity=known.identity,
            session_id=command.gateway_id,
            session_nr=command.session_nr,
            session_address=command.address,
            connected_at=now,
            last_seen_at=now,
        )
        await store.set_session(tx, device)
        if elsewhere is not None and not own:
            await store.tell_session_moved(tx, elsewhere, known.operator_id, known.id)
        waiting = await store.list_requested_of_device(tx, known.operator_id, known.id, now)
    return OpenedSession(device=device, waiting=waiting)


async def authenticate_device(rt: Runtime, protocol: str, identity: str, secret: str) -> Device | None:
    """The device whose secret this is, for callers that open no session; constant time."""
    async with rt.db.write() as tx:
        known = await store.lock_device_by_identity(tx, protocol, identity, rt.clock.now())
    if not is_secret(secret, known.secret_hash if known else None) or known is None:
        return None
    return Device(operator_id=known.operator_id, id=known.id, protocol=known.protocol, identity=known.identity)
