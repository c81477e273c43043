-- Rides. One open ride a vehicle; a rider's open rides take numbered places, of which the settings allow some.

create table ride (
    operator_id      bigint not null references operator,
    id               bigint generated always as identity,
    rider_id         bigint not null,
    vehicle_id       bigint not null,
    model_id         bigint not null,
    status           text not null check (status in ('UNLOCKING', 'ACTIVE', 'PAUSING', 'PAUSED', 'UNPAUSING', 'ENDING', 'ENDED', 'FAILED')),
    -- Which of the rider's places the ride takes while open.
    place            smallint not null check (place between 1 and 20),
    currency         text not null,
    -- What was agreed at the start: sharing.model.Terms (tariff, add-ons, tax, overrides).
    terms            jsonb not null,
    requested_at     timestamptz not null,
    started_at       timestamptz,
    ended_at         timestamptz,
    start_lat        double precision not null,
    start_lon        double precision not null,
    end_lat          double precision,
    end_lon          double precision,
    start_odometer_m bigint not null,
    distance_m       bigint,
    -- Why it ended or failed, in one stable word.
    outcome          text,
    -- The command that the status waits for.
    command_id       bigint,
    -- While ENDING: when the rider asked, which is where the meter stops if the vehicle locks.
    ending_at        timestamptz,
    lines            jsonb,
    total_minor      bigint check (total_minor >= 0),
    tax_minor        bigint check (tax_minor >= 0),
    charged_bonus_minor   bigint check (charged_bonus_minor >= 0),
    charged_balance_minor bigint check (charged_balance_minor >= 0),
    debt_minor       bigint check (debt_minor >= 0),
    primary key (operator_id, id),
    foreign key (operator_id, rider_id) references rider (operator_id, id),
    foreign key (operator_id, vehicle_id) references vehicle (operator_id, id),
    foreign key (operator_id, model_id) references vehicle_model (operator_id, id),
    check ((status in ('ENDED', 'FAILED')) = (ended_at is not null)),
    check (status <> 'ENDED' or (started_at is not null and total_minor is not null and lines is not null)),
    check (total_minor is null or total_minor = charged_bonus_minor + charged_balance_minor + debt_minor)
);
create unique index ride_open_vehicle on ride (operator_id, vehicle_id) where status not in ('ENDED', 'FAILED');
create unique index ride_open_place on ride (operator_id, rider_id, place) where status not in ('ENDED', 'FAILED');
create index ride_rider on ride (operator_id, rider_id, id desc);
create index ride_vehicle on ride (operator_id, vehicle_id, id desc);

-- What happened, in order: the price is computed from these alone.
create table ride_event (
    operator_id  bigint not null,
    ride_id      bigint not null,
    nr           int not null,
    kind         text not null check (kind in (
                     'REQUESTED', 'STARTED', 'PAUSED', 'RESUMED', 'END_REFUSED', 'ENDED', 'FAILED')),
    at           timestamptz not null,
    actor        text not null,
    data         jsonb not null default '{}',
    primary key (operator_id, ride_id, nr),
    foreign key (operator_id, ride_id) references ride (operator_id, id)
);

create table ride_image (
    operator_id   bigint not null,
    id            bigint generated always as identity,
    ride_id       bigint not null,
    blob_key      text not null unique,
    content_type  text not null,
    bytes         bigint not null,
    at            timestamptz not null,
    primary key (operator_id, id),
    foreign key (operator_id, ride_id) references ride (operator_id, id)
);
create index ride_image_ride on ride_image (operator_id, ride_id);
