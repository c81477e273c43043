-- What dispatchers are shown of trips for which nobody was found, newest first.
create index trip_unserved on trip (operator_id, closed_at desc) where outcome = 'no_driver';

-- What staff booked between the operator and a driver outside of trips: why, and who. The money is in the ledger.
create table driver_money (
    operator_id   bigint not null references operator,
    id            bigint generated always as identity,
    driver_id     bigint not null,
    kind          text not null check (kind in ('PAID', 'ADJUSTED')),
    -- What it added to the driver's balance.
    amount_minor  bigint not null check (amount_minor <> 0),
    reason        text not null,
    actor         text not null,
    key           text not null,
    at            timestamptz not null,
    primary key (operator_id, id),
    unique (operator_id, actor, key),
    foreign key (operator_id, driver_id) references driver (operator_id, id)
);
create index driver_money_of on driver_money (operator_id, driver_id, id desc);
