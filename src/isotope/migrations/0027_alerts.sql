-- What staff must know of a vehicle: raised once, not again until it is cleared.
create table vehicle_alert (
    operator_id  bigint not null,
    id           bigint generated always as identity,
    vehicle_id   bigint not null,
    -- fleet.alerts.AlertKind
    kind         text not null,
    ride_id      bigint,
    data         jsonb not null default '{}',
    raised_at    timestamptz not null,
    cleared_at   timestamptz check (cleared_at >= raised_at),
    primary key (operator_id, id),
    foreign key (operator_id, vehicle_id) references vehicle (operator_id, id)
);
create unique index vehicle_alert_open on vehicle_alert (operator_id, vehicle_id, kind) where cleared_at is null;
create index vehicle_alert_newest on vehicle_alert (operator_id, raised_at desc, id desc);

-- Something that staff have to do at a vehicle.
create table staff_task (
    operator_id  bigint not null,
    id           bigint generated always as identity,
    vehicle_id   bigint not null,
    -- The kind of work, such as 'battery_swap'.
    type_ref     text not null,
    priority     text not null check (priority in ('LOW', 'MEDIUM', 'HIGH')),
    stage        text not null check (stage in ('TODO', 'DONE', 'DELETED')),
    description  text not null default '',
    -- Why it was made by itself; null: by a person.
    alert_id     bigint,
    created_by   text not null,
    created_at   timestamptz not null,
    primary key (operator_id, id),
    foreign key (operator_id, vehicle_id) references vehicle (operator_id, id),
    foreign key (operator_id, alert_id) references vehicle_alert (operator_id, id)
);
create index staff_task_vehicle on staff_task (operator_id, vehicle_id, id desc);
-- The task that came with an alert, for lists of alerts.
create index staff_task_alert on staff_task (operator_id, alert_id) where alert_id is not null;
-- One task of a kind is enough at a vehicle.
create unique index staff_task_open on staff_task (operator_id, vehicle_id, type_ref) where stage = 'TODO' and alert_id is not null;

-- Since when the vehicle of an open ride stands: where it was and what it had ridden when that was last looked at.
create table ride_standstill (
    operator_id  bigint not null,
    ride_id      bigint not null,
    lat          double precision not null,
    lon          double precision not null,
    odometer_m   bigint not null,
    since        timestamptz not null,
    primary key (operator_id, ride_id),
    foreign key (operator_id, ride_id) references ride (operator_id, id)
);
-- The rides that are looked at again and again, of all operators.
create index ride_running on ride (operator_id, id) where status in ('ACTIVE', 'PAUSED');
