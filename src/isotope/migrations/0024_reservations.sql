-- A vehicle that is kept for a rider before a ride. While ACTIVE it takes one of the rider's numbered places, as a ride
-- does; a place is given only by who holds the rider's row, so that no two of both kinds have the same.

create table reservation (
    operator_id   bigint not null references operator,
    id            bigint generated always as identity,
    rider_id      bigint not null,
    vehicle_id    bigint not null,
    model_id      bigint not null,
    status        text not null check (status in ('ACTIVE', 'USED', 'EXPIRED', 'CANCELLED')),
    place         smallint not null check (place between 1 and 20),
    currency      text not null,
    -- What was agreed: sharing.reservations.ReservationTerms.
    terms         jsonb not null,
    reserved_at   timestamptz not null,
    expires_at    timestamptz not null,
    -- How often it was extended.
    extended      smallint not null default 0 check (extended >= 0),
    ended_at      timestamptz,
    -- The ride that it was used for.
    ride_id       bigint,
    -- Cancelled right away: it cost nothing and the next one need not wait.
    forgiven      boolean not null default false,
    -- What an unused one cost; a used one is billed with its ride.
    total_minor   bigint check (total_minor >= 0),
    tax_minor     bigint check (tax_minor >= 0),
    charged_bonus_minor    bigint check (charged_bonus_minor >= 0),
    charged_balance_minor  bigint check (charged_balance_minor >= 0),
    debt_minor    bigint check (debt_minor >= 0),
    primary key (operator_id, id),
    foreign key (operator_id, rider_id) references rider (operator_id, id),
    foreign key (operator_id, vehicle_id) references vehicle (operator_id, id),
    foreign key (operator_id, model_id) references vehicle_model (operator_id, id),
    foreign key (operator_id, ride_id) references ride (operator_id, id),
    check (expires_at > reserved_at),
    check ((status = 'ACTIVE') = (ended_at is null)),
    check ((status = 'USED') = (ride_id is not null)),
    check ((status in ('EXPIRED', 'CANCELLED')) = (total_minor is not null)),
    check (total_minor is null or total_minor = charged_bonus_minor + charged_balance_minor + debt_minor)
);
create unique index reservation_active_vehicle on reservation (operator_id, vehicle_id) where status = 'ACTIVE';
create unique index reservation_active_place on reservation (operator_id, rider_id, place) where status = 'ACTIVE';
-- Unused ones, for the time until the next.
create index reservation_unused on reservation (operator_id, rider_id, ended_at desc)
    where status in ('EXPIRED', 'CANCELLED');
create index reservation_ride on reservation (operator_id, ride_id) where ride_id is not null;

-- Add-ons of which there are only so many, while rides have them. Rows of rides that are over are taken away by the next
-- ride that takes the same add-on.
create table ride_addon (
    operator_id  bigint not null,
    addon_id     bigint not null,
    ride_id      bigint not null,
    primary key (operator_id, addon_id, ride_id),
    foreign key (operator_id, addon_id) references addon (operator_id, id),
    foreign key (operator_id, ride_id) references ride (operator_id, id)
);
create index ride_addon_ride on ride_addon (operator_id, ride_id);

-- What an unused reservation cost, in writing. Validated by 0041.
alter table receipt drop constraint receipt_kind_check;
alter table receipt add constraint receipt_kind_check
    check (kind in ('RIDE', 'FINE', 'CREDIT_NOTE', 'SUBSCRIPTION', 'RESERVATION')) not valid;
