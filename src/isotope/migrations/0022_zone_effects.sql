-- What zones do to a vehicle that is ridden: one row while they do anything, or while the vehicle has not confirmed that
-- they do nothing any more. It belongs to the vehicle, so that the next rider gets it back whole.
create table vehicle_zone_effect (
    operator_id        bigint not null,
    vehicle_id         bigint not null,
    -- Zones it is in: id -> since when it lies outside within the band, null: it lies inside (zones.effects.Inside).
    inside             jsonb not null,
    -- zones.effects.ZoneEffect.
    effect             jsonb not null,
    changed_at         timestamptz not null,
    -- Orders that are not known to be done: null none, 0 could not be given, else the command.
    speed_command_id   bigint check (speed_command_id >= 0),
    engine_command_id  bigint check (engine_command_id >= 0),
    tries              integer not null check (tries >= 0),
    -- When they are looked at again.
    due_at             timestamptz,
    primary key (operator_id, vehicle_id),
    foreign key (operator_id, vehicle_id) references vehicle (operator_id, id),
    check ((due_at is null) = (speed_command_id is null and engine_command_id is null))
);
-- Those whose ride is over are looked for every few seconds.
create index vehicle_zone_effect_due on vehicle_zone_effect (due_at nulls first);
