-- The double-entry ledger. Credits are positive, debits negative: what we owe a rider is positive,
-- what a rider owes us is negative, and every transaction sums to zero.

create table ledger_account (
    operator_id    bigint not null references operator,
    id             bigint generated always as identity,
    kind           text not null check (kind in (
                       'RIDER_BALANCE', 'RIDER_BONUS', 'RIDER_DEBT',
                       'REVENUE', 'TAX', 'PROVIDER_CLEARING', 'ADJUSTMENTS')),
    rider_id       bigint,
    currency       text not null,
    -- Sum of the entries of a rider's account, kept by the trigger below and by nothing else. The accounts of
    -- the operator carry none: every ride would queue for their row.
    balance_minor  bigint,
    primary key (operator_id, id),
    foreign key (operator_id, rider_id) references rider (operator_id, id),
    check ((rider_id is not null) = (kind like 'RIDER_%')),
    check ((balance_minor is not null) = (rider_id is not null)),
    check (kind not in ('RIDER_BALANCE', 'RIDER_BONUS') or balance_minor >= 0),
    check (kind <> 'RIDER_DEBT' or balance_minor <= 0)
);
create unique index ledger_account_rider on ledger_account (operator_id, rider_id, kind, currency) where rider_id is not null;
create unique index ledger_account_operator on ledger_account (operator_id, kind, currency) where rider_id is null;

create table ledger_transaction (
    operator_id  bigint not null references operator,
    id           bigint generated always as identity,
    reason       text not null,
    -- Who: 'rider:7', 'staff:3', 'secret_key', 'system'.
    actor        text not null,
    -- What for: 'ride:12', 'add_money:<uuid>'. One cause is posted once per reason.
    cause        text not null,
    at           timestamptz not null,
    primary key (operator_id, id),
    unique (operator_id, cause, reason)
);

create table ledger_entry (
    operator_id     bigint not null,
    id              bigint generated always as identity,
    transaction_id  bigint not null,
    account_id      bigint not null,
    amount_minor    bigint not null check (amount_minor <> 0),
    primary key (operator_id, id),
    foreign key (operator_id, transaction_id) references ledger_transaction (operator_id, id),
    foreign key (operator_id, account_id) references ledger_account (operator_id, id)
);
create index ledger_entry_account on ledger_entry (operator_id, account_id, id desc);
create index ledger_entry_transaction on ledger_entry (operator_id, transaction_id);

create function ledger_refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'the ledger is append-only: post a correcting transaction' using errcode = 'restrict_violation';
end $$;
create trigger ledger_entry_append_only before update or delete on ledger_entry
    for each row execute function ledger_refuse_change();
create trigger ledger_entry_no_truncate before truncate on ledger_entry
    for each statement execute function ledger_refuse_change();
create trigger ledger_transaction_append_only before update or delete on ledger_transaction
    for each row execute function ledger_refuse_change();
create trigger ledger_transaction_no_truncate before truncate on ledger_transaction
    for each statement execute function ledger_refuse_change();

create function ledger_keep_balance() returns trigger language plpgsql as $$
begin
    update ledger_account set balance_minor = balance_minor + new.amount_minor
     where operator_id = new.operator_id and id = new.account_id and balance_minor is not null;
    return null;
end $$;
create trigger ledger_entry_keep_balance after insert on ledger_entry
    for each row execute function ledger_keep_balance();

-- Checked at commit, when all entries of the transaction are there: they sum to zero, in one currency.
create function ledger_check_zero() returns trigger language plpgsql as $$
declare
    total numeric;
    currencies int;
begin
    select coalesce(sum(e.amount_minor), 0), count(distinct a.currency) into total, currencies
      from ledger_entry e
      join ledger_account a on a.operator_id = e.operator_id and a.id = e.account_id
     where e.operator_id = new.operator_id and e.transaction_id = new.transaction_id;
    if total <> 0 then
        raise exception 'ledger transaction % does not sum to zero but to %', new.transaction_id, total
            using errcode = 'check_violation';
    end if;
    if currencies <> 1 then
        raise exception 'ledger transaction % mixes currencies', new.transaction_id using errcode = 'check_violation';
    end if;
    return null;
end $$;
create constraint trigger ledger_entry_zero after insert on ledger_entry
    deferrable initially deferred for each row execute function ledger_check_zero();

-- A balance is what the entries say: only the trigger above (depth 2) may change it.
create function ledger_guard_balance() returns trigger language plpgsql as $$
begin
    if new.balance_minor is distinct from old.balance_minor and pg_trigger_depth() < 2 then
        raise exception 'balances are sums of entries and never edited' using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger ledger_account_guard before update on ledger_account
    for each row execute function ledger_guard_balance();
