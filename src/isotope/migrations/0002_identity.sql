-- Riders, their tokens, phone verification, deletion.

create table rider (
    operator_id        bigint not null references operator,
    id                 bigint generated always as identity,
    -- What stays when the person is erased: ledger and invoices refer to it.
    pseudonym          uuid not null default gen_random_uuid(),
    name               text not null,
    email              text not null,
    phone_prefix       text not null,
    phone              text not null,
    language           text not null,
    device_os          text,
    agree_marketing    boolean not null default false,
    status             text not null check (status in ('ACTIVE', 'BLOCKED', 'DELETION_REQUESTED', 'DELETED')),
    phone_verified_at  timestamptz,
    deletion_due_at    timestamptz,
    -- A blocked rider who asks for deletion and takes it back is blocked again.
    was_blocked        boolean not null default false,
    created_at         timestamptz not null,
    primary key (operator_id, id),
    check ((status = 'DELETION_REQUESTED') = (deletion_due_at is not null)),
    -- An erased row holds nothing of the person.
    check (status <> 'DELETED' or (name = '' and email = '' and phone_prefix = '' and phone = '' and device_os is null))
);
create unique index rider_phone on rider (operator_id, phone_prefix, phone) where status <> 'DELETED';
create index rider_deletion_due on rider (deletion_due_at) where status = 'DELETION_REQUESTED';

create table rider_token (
    token_hash  bytea primary key check (length(token_hash) = 32),
    operator_id bigint not null,
    rider_id    bigint not null,
    created_at  timestamptz not null,
    expires_at  timestamptz not null,
    foreign key (operator_id, rider_id) references rider (operator_id, id)
);
create index rider_token_rider on rider_token (operator_id, rider_id);
create index rider_token_expiry on rider_token (expires_at);

-- One run through the code flow. Tokens are opaque; each step stores the hash of the one it gave out,
-- so a token is bound to its row (phone, flow, step) and dies with it.
create table phone_verification (
    operator_id           bigint not null references operator,
    id                    bigint generated always as identity,
    flow                  text not null check (flow in ('LOGIN', 'REGISTER')),
    phone_prefix          text not null,
    phone                 text not null,
    address               inet,
    step                  text not null check (step in ('REQUESTED', 'VERIFIED', 'USED', 'VOID')),
    requested_token_hash  bytea not null unique,
    verified_token_hash   bytea unique,
    -- HMAC of the code under the requested token, which is not stored: the store alone cannot guess codes.
    code_hash             bytea,
    checks                int not null default 0,
    created_at            timestamptz not null,
    expires_at            timestamptz not null,
    primary key (operator_id, id)
);
create index phone_verification_number on phone_verification (operator_id, phone_prefix, phone, created_at desc);
create index phone_verification_created on phone_verification (created_at);

-- One row a message that went (or tried to go) out: what the exact limits count.
create table sms_send (
    operator_id   bigint not null references operator,
    id            bigint generated always as identity,
    phone_prefix  text not null,
    phone         text not null,
    address       inet,
    sent_at       timestamptz not null,
    primary key (operator_id, id)
);
create index sms_send_number on sms_send (operator_id, phone_prefix, phone, sent_at desc);
create index sms_send_address on sms_send (operator_id, address, sent_at desc);
create index sms_send_prefix on sms_send (operator_id, phone_prefix, sent_at desc);
create index sms_send_at on sms_send (sent_at);

-- One row a registration by form: what its limit per address counts.
create table form_registration (
    operator_id  bigint not null references operator,
    id           bigint generated always as identity,
    address      inet not null,
    at           timestamptz not null,
    primary key (operator_id, id)
);
create index form_registration_address on form_registration (operator_id, address, at desc);
create index form_registration_at on form_registration (at);

-- Demo and test mode only: what the log-and-outbox stand-in "sent".
create table dev_outbox (
    id       bigint generated always as identity primary key,
    phone    text not null,
    body     text not null,
    sent_at  timestamptz not null
);
create index dev_outbox_phone on dev_outbox (phone, id desc);
create index dev_outbox_sent_at on dev_outbox (sent_at);

-- Deletions without personal data, so that they can be applied again after a restore.
create table deletion_log (
    operator_id  bigint not null references operator,
    id           bigint generated always as identity,
    rider_id     bigint not null,
    pseudonym    uuid not null,
    kind         text not null check (kind in ('REQUESTED', 'UNDONE', 'ERASED')),
    actor        text not null,
    at           timestamptz not null,
    primary key (operator_id, id)
);
