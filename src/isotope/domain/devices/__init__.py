"""Room: devices. The boxes in the vehicles, their sessions, and commands that have an id, an expiry and an outcome."""

from isotope.domain.devices.capabilities import (
    describe,
    list_commands,
    resolve_command,
    validate_value,
    value_spec,
)
from isotope.domain.devices.errors import (
    command_staff_only,
    command_unsupported,
    command_value_invalid,
    command_value_unexpected,
    device_identity_taken,
    device_offline,
    vehicle_moving,
    vehicle_speed_unknown,
)
from isotope.domain.devices.queries import (
    find_command,
    find_device,
    find_last_command,
    find_outcome,
    list_commands_of_cause,
    list_requested_of_gateway,
)
from isotope.domain.devices.rules import may_send
from isotope.domain.devices.secrets import hash_secret
from isotope.domain.devices.slowing import full_limit, slow_limit
from isotope.domain.devices.store import upsert_device, upsert_devices
from isotope.domain.devices.usecases.acknowledge_command import (
    AcknowledgeCommand,
    Acknowledged,
    acknowledge_command,
)
from isotope.domain.devices.usecases.await_outcome import await_outcome, await_word, listen_for_outcomes
from isotope.domain.devices.usecases.claim_command import ClaimCommand, claim_command
from isotope.domain.devices.usecases.expire_commands import expire_due_commands, give_up_command
from isotope.domain.devices.usecases.gateway_life import (
    LEASE_S,
    RENEW_EVERY_S,
    RenewGateway,
    close_gateway_sessions,
    register_gateway,
    renew_gateway,
)
from isotope.domain.devices.usecases.open_session import OpenedSession, OpenSession, authenticate_device, open_session
from isotope.domain.devices.usecases.request_command import request_command

__all__ = [
    "LEASE_S",
    "RENEW_EVERY_S",
    "AcknowledgeCommand",
    "Acknowledged",
    "ClaimCommand",
    "OpenSession",
    "OpenedSession",
    "RenewGateway",
    "acknowledge_command",
    "authenticate_device",
    "await_outcome",
    "await_word",
    "claim_command",
    "close_gateway_sessions",
    "command_staff_only",
    "command_unsupported",
    "command_value_invalid",
    "command_value_unexpected",
    "describe",
    "device_identity_taken",
    "device_offline",
    "expire_due_commands",
    "find_command",
    "find_device",
    "find_last_command",
    "find_outcome",
    "full_limit",
    "give_up_command",
    "hash_secret",
    "list_commands",
    "list_commands_of_cause",
    "list_requested_of_gateway",
    "listen_for_outcomes",
    "may_send",
    "open_session",
    "register_gateway",
    "renew_gateway",
    "request_command",
    "resolve_command",
    "slow_limit",
    "upsert_device",
    "upsert_devices",
    "validate_value",
    "value_spec",
    "vehicle_moving",
    "vehicle_speed_unknown",
]
