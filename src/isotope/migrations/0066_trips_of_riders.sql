-- What a rider has under way or ordered for later is asked for at every look at a trip.
create index trip_of_rider_open on trip (operator_id, rider_id, scheduled_at, id)
    where status in ('AUTHORISING', 'REQUESTED', 'SCHEDULED', 'ACCEPTED', 'ARRIVED', 'STARTED');
-- Lists of trips, newest first, from day to day.
create index trip_asked on trip (operator_id, requested_at desc, id desc);
create index trip_of_vehicle on trip (operator_id, vehicle_id) where vehicle_id is not null;

create extension if not exists pg_trgm;
create extension if not exists btree_gin;
-- Riders by a part of what is known of them. Nothing is left here of one who was erased.
create index rider_search on rider
    using gin (operator_id, lower(name || ' ' || email || ' ' || phone_prefix || phone) gin_trgm_ops)
    where status <> 'DELETED';
