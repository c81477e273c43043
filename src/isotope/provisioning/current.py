"""What the store has now of everything that a folder describes, in the folder's own words: refs, numbers, identities."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from isotope.domain.tenants import KeyKind, Operator
from isotope.infra.tokens import hash_token
from isotope.kernel.ids import OperatorId
from isotope.provisioning.folder import Folder

PROTOCOL: Final = "json_lines"
"""What units of a folder speak."""

CAUSE: Final = "apply"
"""Stands in a vehicle's log where a folder changed its status."""

Fields = Mapping[str, Any]
"""What a thing is, as plain JSON values by field."""


class StoredThing(msgspec.Struct, frozen=True, kw_only=True):
    """A tariff, add-on, model, subscription plan, zone or something of rentals or trips.

    `bookings`: how many need it. `until`: what must be over before it can be retired; empty: nothing.
    """

    fields: Fields
    is_retired: bool
    bookings: int = 0
    until: str = ""


class StoredVehicle(msgspec.Struct, frozen=True, kw_only=True):
    """A vehicle. `held_by`: who has it now. `was_retired_here`: a folder took it out, nobody else.

    `bookings`: how many are ahead or under way.
    """

    model: str
    device_identity: str | None
    manual_locker_code: str | None
    status: str
    held_by: str | None
    was_retired_here: bool
    bookings: int = 0


class StoredDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A device that the folder or one of the operator's vehicles names, whoever's it is."""

    operator_id: OperatorId
    secret_hash: bytes


class StoredKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key of the installation that the folder names."""

    operator_id: OperatorId
    kind: KeyKind
    expires_at: datetime | None


class StoredStaff(msgspec.Struct, frozen=True, kw_only=True):
    """An account that the folder names, whoever's it is."""

    operator_id: OperatorId
    id: int
    name: str
    role: str


class Current(msgspec.Struct, frozen=True, kw_only=True):
    """The store as one transaction sees it. `operator` None: there is none of this name yet.

    Attributes:
        keys: by hash: those that the folder names.
        live_kinds: the kinds of which the operator has a key that works.
        staff: by e-mail address: those that the folder names.
        devices: by identity.
        promo_codes: by code: the folder's own, and those that it names.
        stopped_codes: those of them that staff stopped.
        has_money: entries, rides or bookings in the operator's currency exist.
    """

    operator: Operator | None = None
    keys: Mapping[bytes, StoredKey] = {}
    live_kinds: frozenset[KeyKind] = frozenset()
    staff: Mapping[str, StoredStaff] = {}
    tariffs: Mapping[str, StoredThing] = {}
    addons: Mapping[str, StoredThing] = {}
    models: Mapping[str, StoredThing] = {}
    packages: Mapping[str, StoredThing] = {}
    groups: Mapping[str, StoredThing] = {}
    promo_codes: Mapping[str, StoredThing] = {}
    stopped_codes: frozenset[str] = frozenset()
    subscriptions: Mapping[str, StoredThing] = {}
    zones: Mapping[str, StoredThing] = {}
    rental_tariffs: Mapping[str, StoredThing] = {}
    rental_packages: Mapping[str, StoredThing] = {}
    rental_addons: Mapping[str, StoredThing] = {}
    rental_models: Mapping[str, StoredThing] = {}
    stations: Mapping[str, StoredThing] = {}
    taxi_classes: Mapping[str, StoredThing] = {}
    taxi_vehicles: Mapping[str, StoredThing] = {}
    drivers: Mapping[str, StoredThing] = {}
    vehicles: Mapping[str, StoredVehicle] = {}
    devices: Mapping[str, StoredDevice] = {}
    has_money: bool = False


def key_hashes(folder: Folder) -> dict[KeyKind, bytes]:
    """The hashes of the keys that the folder gives."""
    keys = folder.operator.keys
    given = {KeyKind.PUBLIC: keys.public, KeyKind.SECRET: keys.secret}
    return {kind: hash_token(key) for kind, key in given.items() if key is not None}
