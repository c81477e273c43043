-- What riders get in writing. A receipt is written in the transaction that settles the money and gets its number a moment
-- later, so that rides which end at once do not queue for the operator's counter.

create table receipt (
    operator_id         bigint not null references operator,
    id                  bigint generated always as identity,
    -- Who it is for, by number only: the name is put on when it is shown, and goes when the rider goes.
    rider_id            bigint not null,
    kind                text not null check (kind in ('RIDE', 'FINE', 'CREDIT_NOTE')),
    -- What for: 'ride:12', 'fine:4', 'refund:3'.
    cause               text not null check (length(cause) between 1 and 500),
    -- The cause of the receipt that a credit note corrects.
    corrects            text check (length(corrects) between 1 and 500),
    subject             text not null check (length(subject) <= 200),
    supplied_from       timestamptz,
    supplied_until      timestamptz,
    currency            text not null check (currency ~ '^[A-Z]{3}$'),
    lines               jsonb not null,
    taxes               jsonb not null,
    net_minor           bigint not null check (net_minor >= 0),
    tax_minor           bigint not null check (tax_minor >= 0),
    total_minor         bigint not null check (total_minor = net_minor + tax_minor),
    -- What paid it; of a credit note, where the money went.
    paid_bonus_minor    bigint not null check (paid_bonus_minor >= 0),
    paid_balance_minor  bigint not null check (paid_balance_minor >= 0),
    paid_card_minor     bigint not null check (paid_card_minor >= 0),
    paid_debt_minor     bigint not null check (paid_debt_minor >= 0),
    issued_at           timestamptz not null,
    -- The operator's facts of that moment: what changes later does not touch what was issued.
    time_zone           text not null,
    seller              jsonb not null,
    number_prefix       text not null check (number_prefix ~ '^[A-Za-z0-9-]{0,20}$'),
    -- Of `issued_at` in `time_zone`.
    year                smallint not null check (year between 2000 and 9999),
    number              int check (number > 0),
    numbered_at         timestamptz,
    primary key (operator_id, id),
    foreign key (operator_id, rider_id) references rider (operator_id, id),
    check ((kind = 'CREDIT_NOTE') = (corrects is not null)),
    check ((number is null) = (numbered_at is null)),
    check (total_minor = paid_bonus_minor + paid_balance_minor + paid_card_minor + paid_debt_minor)
);
create unique index receipt_cause on receipt (operator_id, cause);
create unique index receipt_number on receipt (operator_id, year, number) where number is not null;
create index receipt_waiting on receipt (operator_id, year, issued_at, id) where number is null;
create index receipt_rider on receipt (operator_id, rider_id, id desc);

-- The last number given. The row is what numbering locks.
create table receipt_counter (
    operator_id  bigint not null references operator,
    year         smallint not null,
    last_number  int not null default 0 check (last_number >= 0),
    primary key (operator_id, year)
);

-- What was issued is corrected by a credit note. The one change there is, is that a number is given.
create function receipt_guard() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and old.number is null and new.number is not null
        and to_jsonb(new) - array['number', 'numbered_at'] = to_jsonb(old) - array['number', 'numbered_at'] then
        return new;
    end if;
    raise exception 'a receipt is never changed: issue a credit note' using errcode = 'restrict_violation';
end $$;
create trigger receipt_unchanged before update or delete on receipt for each row execute function receipt_guard();
create trigger receipt_no_truncate before truncate on receipt for each statement execute function receipt_guard();

-- A number that was given is not given again.
create function receipt_counter_guard() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and (new.operator_id, new.year) = (old.operator_id, old.year) and new.last_number >= old.last_number then
        return new;
    end if;
    raise exception 'the counter of receipts only rises' using errcode = 'restrict_violation';
end $$;
create trigger receipt_counter_rises before update or delete on receipt_counter
    for each row execute function receipt_counter_guard();
create trigger receipt_counter_no_truncate before truncate on receipt_counter
    for each statement execute function receipt_counter_guard();
