"""The writing SQL of devices, sessions and commands. Every function takes the caller's transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from isotope.domain.devices import errors
from isotope.domain.devices.model import (
    COMMAND_CHANNEL,
    OUTCOME_CHANNEL,
    SESSION_CHANNEL,
    CommandName,
    CommandOutcome,
    CommandRequest,
    CommandStatus,
    Device,
    DeviceCommand,
    DeviceSpec,
)
from isotope.domain.devices.secrets import hash_secret
from isotope.infra.db import Tx
from isotope.kernel.actor import Actor
from isotope.kernel.ids import CommandId, DeviceId, OperatorId

_COMMAND_COLUMNS = """
    operator_id, id, device_id, name, params, actor, cause, moving_kmh, status, code, requested_at, expires_at, finished_at
"""

_SET_STATUS: Final = """
    update device_command
       set status = %(status)s,
           code = %(code)s,
           sent_at = case when %(status)s = 'SENT' then %(now)s else sent_at end,
           acknowledged_at = case when %(answered)s then coalesce(acknowledged_at, %(now)s) else acknowledged_at end,
           finished_at = %(finished_at)s
     where operator_id = %(operator_id)s and id = %(id)s
"""
_FINISH: Final = f"with finished as ({_SET_STATUS} returning id) select pg_notify(%(channel)s, %(about)s) from finished"


def command_row(**row: Any) -> DeviceCommand:
    """A row of `device_command` as its type."""
    row["name"] = CommandName(row["name"])
    row["status"] = CommandStatus(row["status"])
    row["actor"] = Actor(row["actor"])
    return DeviceCommand(**row)


async def upsert_devices(
    tx: Tx, operator_id: OperatorId, devices: Sequence[DeviceSpec], now: datetime
) -> Mapping[str, DeviceId]:
    """Make the operator's devices be as described; ids by identity. What is so already is not written.

    Raises:
        Refusal: `device_identity_taken`: another operator has it.
    """
    for (protocol,) in {(device.protocol,) for device in devices}:
        await tx.execute(
            """
            insert into device (operator_id, protocol, identity, secret_hash, created_at)
            select %(operator_id)s, %(protocol)s, given.identity, given.secret_hash, %(now)s
              from unnest(%(identities)s::text[], %(secret_hashes)s::bytea[]) as given (identity, secret_hash)
             order by given.identity
            on conflict (protocol, identity) do update set secret_hash = excluded.secret_hash
             where device.operator_id = excluded.operator_id and device.secret_hash <> excluded.secret_hash
            """,
            {
                "operator_id": operator_id,
                "protocol": protocol,
                "identities": [device.identity for device in devices if device.protocol == protocol],
                "secret_hashes": [hash_secret(device.secret) for device in devices if device.protocol == protocol],
                "now": now,
            },
        )
    rows = await tx.tuples(
        """
        select device.identity, device.id
          from unnest(%(protocols)s::text[], %(identities)s::text[]) as given (protocol, identity)
          join device using (protocol, identity)
         where device.operator_id = %(operator_id)s
        """,
        {
            "operator_id": operator_id,
            "protocols": [device.protocol for device in devices],
            "identities": [device.identity for device in devices],
        },
    )
    ids = {identity: DeviceId(device_id) for identity, device_id in rows}
    for device in devices:
        if device.identity not in ids:
            raise errors.device_identity_taken(device.identity)
    return ids


async def upsert_device(
    tx: Tx, operator_id: OperatorId, protocol: str, identity: str, secret: str, now: datetime
) -> DeviceId:
    """One device of `upsert_devices`."""
    ids = await upsert_devices(tx, operator_id, [DeviceSpec(protocol=protocol, identity=identity, secret=secret)], now)
    return ids[identity]


async def find_live_session(tx: Tx, operator_id: OperatorId, device_id: DeviceId, now: datetime) -> UUID | None:
    """The gateway process that holds the device's socket and is itself alive; None: offline."""
    session: UUID | None = await tx.scalar(
        """
        select device.session_id
          from device join device_gateway on device_gateway.id = device.session_id
         where device.operator_id = %(operator_id)s and device.id = %(device_id)s
           and device_gateway.lease_until > %(now)s
        """,
        {"operator_id": operator_id, "device_id": device_id, "now": now},
    )
    return session


async def order(tx: Tx, request: CommandRequest, moving_kmh: float) -> CommandId | None:
    """The command as REQUESTED (its audit row), told to the gateway that holds the unit's socket; None: nobody does."""
    rows = await tx.tuples(
        """
        with alive as (
            select device.session_id
              from device join device_gateway on device_gateway.id = device.session_id
             where device.operator_id = %(operator_id)s and device.id = %(device_id)s
               and device_gateway.lease_until > %(now)s
        ), ordered as (
            insert into device_command (
                operator_id, device_id, name, params, actor, cause, moving_kmh, status, requested_at, expires_at)
            select %(operator_id)s, %(device_id)s, %(name)s, %(params)s, %(actor)s, %(cause)s, %(moving_kmh)s,
                   'REQUESTED', %(now)s, %(expires_at)s
              from alive
            returning id
        )
        select ordered.id, pg_notify(%(channel)s, concat_ws(':', alive.session_id, %(about)s::text, ordered.id))
          from ordered cross join alive
        """,
        {
            "operator_id": request.operator_id,
            "device_id": request.device_id,
            "name": request.name.value,
            "params": Jsonb(msgspec.to_builtins(request.params)),
            "actor": request.actor,
            "cause": request.cause,
            "moving_kmh": moving_kmh,
            "now": request.now,
            "expires_at": request.now + timedelta(seconds=request.life_s),
            "channel": COMMAND_CHANNEL,
            "about": f"{request.operator_id}:{request.device_id}",
        },
    )
    return CommandId(rows[0][0]) if rows else None


async def tell_gateway(
    tx: Tx, session_id: UUID, operator_id: OperatorId, device_id: DeviceId, command_id: CommandId
) -> None:
    await tx.notify(COMMAND_CHANNEL, f"{session_id}:{operator_id}:{device_id}:{command_id}")


async def lock_command(tx: Tx, operator_id: OperatorId, command_id: CommandId) -> DeviceCommand | None:
    return await tx.find(
        command_row,
        f"select {_COMMAND_COLUMNS} from device_command"
        " where operator_id = %(operator_id)s and id = %(command_id)s for update",
        {"operator_id": operator_id, "command_id": command_id},
    )


async def set_status(
    tx: Tx, command: DeviceCommand, status: CommandStatus, code: str | None, now: datetime
) -> CommandOutcome:
    """Write what `rules.transition` decided; an outcome is told to whoever waits for it."""
    finished_at = now if status.is_final else None
    await tx.execute(
        _FINISH if status.is_final else _SET_STATUS,
        {
            "operator_id": command.operator_id,
            "id": command.id,
            "status": status.value,
            "code": code,
            "now": now,
            "answered": status in (CommandStatus.ACKNOWLEDGED, CommandStatus.DONE, CommandStatus.FAILED),
            "finished_at": finished_at,
            "channel": OUTCOME_CHANNEL,
            "about": f"{command.operator_id}:{command.id}",
        },
    )
    return CommandOutcome(status=status, code=code, finished_at=finished_at)


async def note_late_answer(tx: Tx, command: DeviceCommand, now: datetime) -> None:
    """Keep for the audit that an expired command was answered after all."""
    await tx.execute(
        """
        update device_command set code = 'answered_late', acknowledged_at = coalesce(acknowledged_at, %(now)s)
         where operator_id = %(operator_id)s and id = %(id)s
        """,
        {"operator_id": command.operator_id, "id": command.id, "now": now},
    )


async def find_newer_lock_command(tx: Tx, command: DeviceCommand) -> CommandName | None:
    """The latest unlock or lock of the device after this command that is open or done."""
    name: str | None = await tx.scalar(
        """
        select name from device_command
         where operator_id = %(operator_id)s and device_id = %(device_id)s and id > %(id)s
           and name in ('unlock', 'lock') and status in ('REQUESTED', 'SENT', 'ACKNOWLEDGED', 'DONE')
         order by id desc limit 1
        """,
        {"operator_id": command.operator_id, "device_id": command.device_id, "id": command.id},
    )
    return None if name is None else CommandName(name)


async def tell_outcome(tx: Tx, operator_id: OperatorId, command_id: CommandId) -> None:
    await tx.notify(OUTCOME_CHANNEL, f"{operator_id}:{command_id}")


async def expire_due(tx: Tx, now: datetime, limit: int) -> list[tuple[OperatorId, CommandId]]:
    """Close open commands whose time is over, the oldest first; rows that somebody works on are left to them."""
    rows = await tx.tuples(
        """
        update device_command set status = 'EXPIRED', finished_at = %(now)s
          from (select operator_id, id from device_command
                 where expires_at <= %(now)s and status in ('REQUESTED', 'SENT', 'ACKNOWLEDGED')
                 order by expires_at limit %(limit)s for update skip locked) as due
         where device_command.operator_id = due.operator_id and device_command.id = due.id
        returning device_command.operator_id, device_command.id
        """,
        {"now": now, "limit": limit},
    )
    return [(OperatorId(operator_id), CommandId(command_id)) for operator_id, command_id in rows]


class LockedDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A device and its session, locked for a login."""

    operator_id: OperatorId
    id: DeviceId
    identity: str
    protocol: str
    secret_hash: bytes
    session_id: UUID | None
    session_address: str | None
    last_seen_at: datetime | None
    session_alive: bool


async def lock_device_by_identity(tx: Tx, protocol: str, identity: str, now: datetime) -> LockedDevice | None:
    """The device that a frame names. The identity alone says whose it is: it is unique in the installation.

    The lock does not wait for commands that are just being inserted: their foreign key only needs the row to stay.
    """
    return await tx.find(
        LockedDevice,
        """
        select device.operator_id, device.id, device.identity, device.protocol, device.secret_hash,
               device.session_id, device.session_address, device.last_seen_at,
               coalesce(device_gateway.lease_until > %(now)s, false) as session_alive
          from device left join device_gateway on device_gateway.id = device.session_id
         where device.protocol = %(protocol)s and device.identity = %(identity)s
           for no key update of device
        """,
        {"protocol": protocol, "identity": identity, "now": now},
    )


async def set_session(tx: Tx, device: Device) -> None:
    """Write the session that the device is to have from now on."""
    await tx.execute(
        """
        update device
           set session_id = %(session_id)s, session_nr = %(session_nr)s, session_address = %(address)s,
               connected_at = %(connected_at)s, last_seen_at = %(connected_at)s
         where operator_id = %(operator_id)s and id = %(id)s
        """,
        {
            "session_id": device.session_id,
            "session_nr": device.session_nr,
            "address": device.session_address,
            "connected_at": device.connected_at,
            "operator_id": device.operator_id,
            "id": device.id,
        },
    )


async def tell_session_moved(tx: Tx, old_session_id: UUID, operator_id: OperatorId, device_id: DeviceId) -> None:
    await tx.notify(SESSION_CHANNEL, f"{old_session_id}:{operator_id}:{device_id}")


async def insert_gateway(tx: Tx, gateway_id: UUID, listener: str, now: datetime, lease_until: datetime) -> None:
    await tx.execute(
        """
        insert into device_gateway (id, listener, started_at, lease_until)
        values (%(id)s, %(listener)s, %(now)s, %(lease_until)s)
        """,
        {"id": gateway_id, "listener": listener, "now": now, "lease_until": lease_until},
    )


async def renew_lease(tx: Tx, gateway_id: UUID, lease_until: datetime) -> bool:
    """False: the row is gone, somebody took this gateway for dead."""
    renewed = await tx.execute(
        "update device_gateway set lease_until = %(lease_until)s where id = %(id)s",
        {"id": gateway_id, "lease_until": lease_until},
    )
    return renewed == 1


async def clear_dead_gateways(tx: Tx, now: datetime, *, listener: str | None = None) -> int:
    """Forget gateways whose lease is over (and any at `listener`) with their sessions; how many sessions."""
    dead = await tx.tuples(
        """
        delete from device_gateway where id in (
            select id from device_gateway
             where lease_until <= %(now)s or listener = %(listener)s for update skip locked)
        returning id
        """,
        {"now": now, "listener": listener},
    )
    if not dead:
        return 0
    return await tx.execute(
        """
        update device set session_id = null, session_nr = null, session_address = null, connected_at = null
         where session_id = any(%(dead)s)
        """,
        {"dead": [gateway_id for (gateway_id,) in dead]},
    )


async def delete_gateway(tx: Tx, gateway_id: UUID) -> None:
    await tx.execute(
        """
        update device set session_id = null, session_nr = null, session_address = null, connected_at = null
         where session_id = %(id)s
        """,
        {"id": gateway_id},
    )
    await tx.execute("delete from device_gateway where id = %(id)s", {"id": gateway_id})


async def assert_sessions(tx: Tx, devices: Sequence[Device]) -> set[DeviceId]:
    """Write again the sessions that a gateway holds; which it really has: units that went elsewhere stay there."""
    rows = await tx.tuples(
        """
        update device
           set session_id = held.session_id, session_nr = held.nr, session_address = held.address, connected_at = held.connected_at
          from unnest(%(operator_ids)s::bigint[], %(ids)s::bigint[], %(session_ids)s::uuid[], %(nrs)s::bigint[],
                      %(addresses)s::text[], %(connected_ats)s::timestamptz[])
               as held (operator_id, id, session_id, nr, address, connected_at)
         where device.operator_id = held.operator_id and device.id = held.id
           and (device.session_id is null or device.session_id = held.session_id)
        returning device.id
        """,
        {
            "operator_ids": [device.operator_id for device in devices],
            "ids": [device.id for device in devices],
            "session_ids": [device.session_id for device in devices],
            "nrs": [device.session_nr for device in devices],
            "addresses": [device.session_address for device in devices],
            "connected_ats": [device.connected_at for device in devices],
        },
    )
    return {DeviceId(device_id) for (device_id,) in rows}


async def clear_sessions(tx: Tx, devices: Sequence[Device]) -> None:
    """These sockets are gone; sessions that began later, here or elsewhere, are left alone."""
    await tx.execute(
        """
        update device
           set session_id = null, session_nr = null, session_address = null, connected_at = null
          from (select device.operator_id, device.id
                  from unnest(%(operator_ids)s::bigint[], %(ids)s::bigint[], %(session_ids)s::uuid[], %(nrs)s::bigint[])
                       as given (operator_id, id, session_id, nr)
                  join device on device.operator_id = given.operator_id and device.id = given.id
                   and device.session_id = given.session_id and device.session_nr = given.nr
                 order by device.operator_id, device.id
                   for no key update of device) as gone
         where device.operator_id = gone.operator_id and device.id = gone.id
        """,
        {
            "operator_ids": [device.operator_id for device in devices],
            "ids": [device.id for device in devices],
            "session_ids": [device.session_id for device in devices],
            "nrs": [device.session_nr for device in devices],
        },
    )


async def touch_devices(tx: Tx, gateway_id: UUID, seen: Sequence[tuple[Device, datetime]]) -> None:
    """When units were last heard of; rows are taken in one order, so that two gateways never wait in a circle."""
    await tx.execute(
        """
        update device set last_seen_at = heard.at
          from (select device.operator_id, device.id, given.at
                  from unnest(%(operator_ids)s::bigint[], %(device_ids)s::bigint[], %(ats)s::timestamptz[])
                       as given (operator_id, id, at)
                  join device on device.operator_id = given.operator_id and device.id = given.id
                 where device.session_id = %(gateway_id)s
                 order by device.operator_id, device.id
                   for no key update of device) as heard
         where device.operator_id = heard.operator_id and device.id = heard.id
        """,
        {
            "gateway_id": gateway_id,
            "operator_ids": [device.operator_id for device, _at in seen],
            "device_ids": [device.id for device, _at in seen],
            "ats": [at for _device, at in seen],
        },
    )


async def list_requested_of_device(
    tx: Tx, operator_id: OperatorId, device_id: DeviceId, now: datetime
) -> list[CommandId]:
    """Commands that were asked for and not yet written anywhere; oldest first, at most 20."""
    rows = await tx.tuples(
        """
        select id from device_command
         where operator_id = %(operator_id)s and device_id = %(device_id)s
           and status = 'REQUESTED' and expires_at > %(now)s
         order by id limit 20
        """,
        {"operator_id": operator_id, "device_id": device_id, "now": now},
    )
    return [CommandId(command_id) for (command_id,) in rows]
