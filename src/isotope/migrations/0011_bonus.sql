-- Bonus that can end: each grant is a lot, spent before it ends, the one that ends first first. What is left of a rider's
-- lots is always the balance of the account RIDER_BONUS.

create table bonus_lot (
    operator_id      bigint not null references operator,
    id               bigint generated always as identity,
    rider_id         bigint not null,
    currency         text not null check (currency ~ '^[A-Z]{3}$'),
    granted_minor    bigint not null check (granted_minor > 0),
    -- Changed under the lock of the rider's accounts only.
    remaining_minor  bigint not null check (remaining_minor between 0 and granted_minor),
    -- null: never.
    expires_at       timestamptz,
    -- Of the posting that gave it.
    cause            text not null check (length(cause) between 1 and 500),
    created_at       timestamptz not null,
    primary key (operator_id, id),
    foreign key (operator_id, rider_id) references rider (operator_id, id)
);
-- In the order in which lots are spent.
create index bonus_lot_open on bonus_lot (operator_id, rider_id, currency, coalesce(expires_at, 'infinity'), id)
    where remaining_minor > 0;
create index bonus_lot_due on bonus_lot (expires_at) where remaining_minor > 0 and expires_at is not null;

-- A rider's history, newest first; and the journal of a period. Building them holds up posting, some two seconds for a
-- million entries. Where that is too long they are made before, under these names, with `create index concurrently`.
create index if not exists ledger_entry_account on ledger_entry (operator_id, account_id, transaction_id);
create index if not exists ledger_transaction_at on ledger_transaction (operator_id, at, id);

-- Nobody posts between the reading of the balances and the end of this. Processes of the version before, which would
-- post bonus without lots afterwards, are stopped first.
lock table ledger_account in share row exclusive mode;
insert into bonus_lot (operator_id, rider_id, currency, granted_minor, remaining_minor, cause, created_at)
select a.operator_id, a.rider_id, a.currency, a.balance_minor, a.balance_minor, 'bonus_before_lots',
       (select max(t.at) from ledger_entry e
          join ledger_transaction t on t.operator_id = e.operator_id and t.id = e.transaction_id
         where e.operator_id = a.operator_id and e.account_id = a.id)
  from ledger_account a
 where a.kind = 'RIDER_BONUS' and a.balance_minor > 0;
