-- What was asked for under an Idempotency-Key, and what was answered: for a day, by caller.

create table idempotent_request (
    operator_id  bigint not null references operator,
    -- Who: 'rider:7', 'secret_key', 'staff:3'. Not how they showed it: a new token is the same caller.
    caller       text not null check (length(caller) between 1 and 100),
    key          text not null check (length(key) between 1 and 255),
    operation    text not null,
    -- SHA-256 of the operation and of the body as it was understood.
    body_hash    bytea not null check (length(body_hash) = 32),
    status       text not null check (status in ('RUNNING', 'DONE')),
    -- Whose turn it is: who was taken over must not write what another one does now.
    claim        uuid not null,
    claimed_at   timestamptz not null,
    expires_at   timestamptz not null,
    http_status  smallint check (http_status between 200 and 499),
    -- [[name, value], ...]: what the answer carried beside what every answer carries.
    headers      jsonb,
    -- Null: it was too large to be kept.
    answer       bytea check (length(answer) <= 262144),
    primary key (operator_id, caller, key),
    check ((status = 'DONE') = (http_status is not null)),
    check ((status = 'DONE') = (headers is not null)),
    check (status = 'DONE' or answer is null)
-- Every row is changed once, in columns that stand in no index: with room on its page that costs no index entry.
) with (fillfactor = 60);
create index idempotent_request_expiry on idempotent_request (expires_at);
