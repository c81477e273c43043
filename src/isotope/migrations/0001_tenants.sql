-- Operators (tenants), their keys and their staff.

create table operator (
    id          bigint generated always as identity primary key,
    slug        text not null unique check (slug ~ '^[a-z0-9][a-z0-9-]{1,39}$'),
    name        text not null,
    currency    text not null check (currency ~ '^[A-Z]{3}$'),
    time_zone   text not null,
    languages   text[] not null check (cardinality(languages) >= 1),
    settings    jsonb not null default '{}',
    created_at  timestamptz not null
);

-- Keys are stored as SHA-256: they are random and long, so a slow hash would add nothing.
create table operator_key (
    operator_id bigint not null references operator,
    id          bigint generated always as identity,
    kind        text not null check (kind in ('public', 'secret')),
    key_hash    bytea not null unique check (length(key_hash) = 32),
    hint        text not null,
    created_at  timestamptz not null,
    -- A rotated key goes on working until here; null: no end.
    expires_at  timestamptz,
    primary key (operator_id, id)
);

create table staff (
    operator_id    bigint not null references operator,
    id             bigint generated always as identity,
    email          text not null check (email = lower(email)),
    name           text not null default '',
    role           text not null check (role in ('owner', 'manager', 'operator', 'support', 'read_only')),
    password_hash  text not null,
    disabled_at    timestamptz,
    created_at     timestamptz not null,
    primary key (operator_id, id)
);
-- The dashboard login carries no operator's key: the address alone must say whose it is.
create unique index staff_email on staff (email);

create table staff_token (
    token_hash  bytea primary key check (length(token_hash) = 32),
    operator_id bigint not null,
    staff_id    bigint not null,
    created_at  timestamptz not null,
    expires_at  timestamptz not null,
    foreign key (operator_id, staff_id) references staff (operator_id, id)
);
create index staff_token_expiry on staff_token (expires_at);
create index staff_token_staff on staff_token (operator_id, staff_id);

-- Wrong passwords, counted by the hash of the address that was typed, whether staff has it or not: a lock-out
-- does not tell which addresses exist.
create table staff_login_attempts (
    email_hash  bytea primary key check (length(email_hash) = 32),
    attempts    int not null,
    last_at     timestamptz not null
);
create index staff_login_attempts_last on staff_login_attempts (last_at);
