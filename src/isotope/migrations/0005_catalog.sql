-- What is provisioned: tariffs, add-ons, vehicle models, vehicles and their live state, zones.
-- `ref` is the name in the operator's folder: applying the folder again finds the row by it.

create table tariff (
    operator_id  bigint not null references operator,
    id           bigint generated always as identity,
    ref          text not null,
    title        text not null,
    -- pricing.model.Tariff
    spec         jsonb not null,
    retired_at   timestamptz,
    primary key (operator_id, id),
    unique (operator_id, ref)
);

create table addon (
    operator_id  bigint not null references operator,
    id           bigint generated always as identity,
    ref          text not null,
    title        text not null,
    -- pricing.model.AddonPrice
    spec         jsonb not null,
    retired_at   timestamptz,
    primary key (operator_id, id),
    unique (operator_id, ref)
);

create table vehicle_model (
    operator_id   bigint not null references operator,
    id            bigint generated always as identity,
    ref           text not null,
    title         text not null,
    vehicle_type  text not null,
    tariff_id     bigint not null,
    addon_ids     bigint[] not null default '{}',
    -- fleet.model.ModelSpec: range, seats, top speed, pictures, capabilities (commands with their values)
    spec          jsonb not null,
    retired_at    timestamptz,
    primary key (operator_id, id),
    unique (operator_id, ref),
    foreign key (operator_id, tariff_id) references tariff (operator_id, id)
);

create table vehicle (
    operator_id        bigint not null references operator,
    id                 bigint generated always as identity,
    nr                 text not null,
    model_id           bigint not null,
    device_id          bigint,
    manual_locker_code text,
    status             text not null check (status in (
                           'READY', 'IN_USE', 'RESERVED', 'DISCHARGED', 'CHARGING', 'NEED_INVESTIGATION', 'NEED_SERVICE',
                           'REBALANCING', 'TRANSPORTATION', 'STORAGE', 'NOT_READY', 'STOLEN', 'DEPRECATED')),
    status_at          timestamptz not null,
    -- Who has it now, such as 'ride:12'; set exactly while it is in use or reserved.
    held_by            text,
    created_at         timestamptz not null,
    primary key (operator_id, id),
    unique (operator_id, nr),
    foreign key (operator_id, model_id) references vehicle_model (operator_id, id),
    foreign key (operator_id, device_id) references device (operator_id, id),
    check ((held_by is not null) = (status in ('IN_USE', 'RESERVED')))
);
create unique index vehicle_device on vehicle (operator_id, device_id) where device_id is not null;
create index vehicle_model_id on vehicle (operator_id, model_id);
create index vehicle_held on vehicle (operator_id, held_by) where held_by is not null;

-- Hot and narrow: written in batches by the gateways, never by hand. Null: the unit has not told.
create table vehicle_state (
    operator_id   bigint not null,
    vehicle_id    bigint not null,
    lat           double precision not null check (lat between -90 and 90),
    lon           double precision not null check (lon between -180 and 180),
    -- When the position was fixed; an older fix never changes it. 1970: where provisioning put the vehicle.
    fix_at        timestamptz not null,
    -- By the unit's clock, when it last told the facts from here on; an older report never changes them.
    reported_at   timestamptz not null,
    speed_kmh     real,
    battery_pct   smallint check (battery_pct between 0 and 100),
    iot_battery_pct smallint check (iot_battery_pct between 0 and 100),
    locked        boolean,
    odometer_m    bigint,
    -- By our clock, when it was last heard. 1970: never.
    seen_at       timestamptz not null,
    primary key (operator_id, vehicle_id),
    foreign key (operator_id, vehicle_id) references vehicle (operator_id, id)
) with (fillfactor = 70);

create table vehicle_status_change (
    operator_id  bigint not null,
    id           bigint generated always as identity,
    vehicle_id   bigint not null,
    from_status  text not null,
    to_status    text not null,
    actor        text not null,
    cause        text not null,
    at           timestamptz not null,
    primary key (operator_id, id),
    foreign key (operator_id, vehicle_id) references vehicle (operator_id, id)
);
create index vehicle_status_change_vehicle on vehicle_status_change (operator_id, vehicle_id, id desc);

-- What the units reported, by day; dropped by day after the retention time. The worker makes the partitions ahead;
-- the default one catches what comes before the first of them.
create table vehicle_report (
    operator_id  bigint not null,
    vehicle_id   bigint not null,
    received_at  timestamptz not null,
    device_at    timestamptz not null,
    fix_at       timestamptz,
    lat          double precision,
    lon          double precision,
    speed_kmh    real,
    battery_pct  smallint,
    iot_battery_pct smallint,
    locked       boolean,
    odometer_m   bigint,
    event        text not null,
    buffered     boolean not null,
    -- What was doubtful about it, in the gateway's words.
    flags        text[] not null default '{}'
) partition by range (received_at);
create table vehicle_report_default partition of vehicle_report default;
create index vehicle_report_vehicle on vehicle_report (operator_id, vehicle_id, received_at desc);

create table zone_set (
    operator_id  bigint primary key references operator,
    -- Raised whenever a zone of the operator changes; every process keeps the zones of one version in memory.
    version      bigint not null,
    changed_at   timestamptz not null
);

create table zone (
    operator_id    bigint not null references operator,
    id             bigint generated always as identity,
    ref            text not null,
    zone_type      text not null check (zone_type in (
                       'PARKING_ZONE', 'PAID_PARKING_ZONE', 'PARK_PLACE_ZONE', 'NO_PARKING_ZONE', 'NO_GO_ZONE',
                       'SPEED_LIMIT_ZONE', 'BONUS_ZONE')),
    title          text not null,
    color          text not null check (color ~ '^[0-9A-F]{6}$'),
    -- GeoJSON Polygon, or null for a circle.
    area           jsonb,
    lat            double precision,
    lon            double precision,
    radius_m       double precision check (radius_m > 0),
    vehicle_types  text[] not null,
    -- zones.model.ZoneSpec: time windows, priority, speed limit, fee, bonus
    spec           jsonb not null,
    retired_at     timestamptz,
    primary key (operator_id, id),
    unique (operator_id, ref),
    check ((area is null) = (lat is not null and lon is not null and radius_m is not null))
);
