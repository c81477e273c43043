-- The boxes in the vehicles, their sessions and their commands.

-- One row a gateway process. It renews its lease every few seconds; when the lease is over the process is dead or cut
-- off, and its units count as not connected, whatever their rows say.
create table device_gateway (
    id           uuid primary key,
    -- Host, address and port: only one process can listen there, so a new one knows that its predecessor is dead.
    listener     text not null unique,
    started_at   timestamptz not null,
    lease_until  timestamptz not null
);

create table device (
    operator_id   bigint not null references operator,
    id            bigint generated always as identity,
    protocol      text not null check (protocol in ('json_lines')),
    -- What the unit calls itself (IMEI or serial), unique in the installation: a frame carries nothing else.
    identity      text not null,
    -- SHA-256 of the unit's secret.
    secret_hash   bytea not null check (length(secret_hash) = 32),
    -- The gateway process that holds the unit's socket now; null: not connected.
    session_id    uuid,
    -- Which of that process's sockets, and its network address.
    session_nr    bigint,
    session_address text,
    connected_at  timestamptz,
    last_seen_at  timestamptz,
    created_at    timestamptz not null,
    primary key (operator_id, id),
    unique (protocol, identity)
);
create index device_session on device (session_id) where session_id is not null;

create table device_command (
    operator_id      bigint not null,
    id               bigint generated always as identity,
    device_id        bigint not null,
    name             text not null,
    params           jsonb not null default '{}',
    actor            text not null,
    cause            text not null,
    -- Above it nothing that stops was to be sent: the gateway looks again before it writes.
    moving_kmh       double precision not null,
    status           text not null check (status in ('REQUESTED', 'SENT', 'ACKNOWLEDGED', 'DONE', 'FAILED', 'EXPIRED', 'REFUSED')),
    -- The unit's or the gateway's word for why it failed.
    code             text,
    requested_at     timestamptz not null,
    expires_at       timestamptz not null,
    sent_at          timestamptz,
    acknowledged_at  timestamptz,
    finished_at      timestamptz,
    primary key (operator_id, id),
    foreign key (operator_id, device_id) references device (operator_id, id),
    check ((status in ('DONE', 'FAILED', 'EXPIRED', 'REFUSED')) = (finished_at is not null))
);
create index device_command_open on device_command (operator_id, device_id, id)
    where status in ('REQUESTED', 'SENT', 'ACKNOWLEDGED');
create index device_command_due on device_command (expires_at) where status in ('REQUESTED', 'SENT', 'ACKNOWLEDGED');
create index device_command_device on device_command (operator_id, device_id, id desc);
create index device_command_cause on device_command (operator_id, cause);
