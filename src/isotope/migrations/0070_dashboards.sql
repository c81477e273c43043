-- What staff work with: subaccounts, tasks and their types, notes, reviews; what lists are filtered and counted by.

-- A part of an operator, such as a city or a franchise: who works there sees only it.
create table subaccount (
    operator_id  bigint not null references operator,
    id           bigint generated always as identity,
    ref          text not null,
    name         text not null,
    primary key (operator_id, id),
    unique (operator_id, ref)
);

-- Null: the whole operator.
alter table staff add column subaccount_id bigint;
alter table staff add constraint staff_subaccount
    foreign key (operator_id, subaccount_id) references subaccount (operator_id, id) not valid;
-- Null: of no subaccount, seen by who works for the whole operator.
alter table vehicle add column subaccount_id bigint;
alter table vehicle add constraint vehicle_subaccount
    foreign key (operator_id, subaccount_id) references subaccount (operator_id, id) not valid;
create index vehicle_of_subaccount on vehicle (operator_id, subaccount_id, id desc) where subaccount_id is not null;
create index vehicle_by_status on vehicle (operator_id, status, subaccount_id);

-- What belongs to a vehicle carries the subaccount that the vehicle had then, so that lists need not ask for it.
alter table ride add column subaccount_id bigint;
alter table staff_task add column subaccount_id bigint;
alter table vehicle_alert add column subaccount_id bigint;
alter table vehicle_status_change add column subaccount_id bigint;
alter table damage_report add column subaccount_id bigint;

create function subaccount_of_vehicle() returns trigger language plpgsql as $$
begin
    select v.subaccount_id into new.subaccount_id
      from vehicle v where v.operator_id = new.operator_id and v.id = new.vehicle_id;
    return new;
end $$;
create trigger ride_subaccount before insert on ride for each row execute function subaccount_of_vehicle();
create trigger staff_task_subaccount before insert on staff_task for each row execute function subaccount_of_vehicle();
create trigger vehicle_alert_subaccount before insert on vehicle_alert for each row execute function subaccount_of_vehicle();
create trigger vehicle_status_change_subaccount before insert on vehicle_status_change
    for each row execute function subaccount_of_vehicle();
create trigger damage_report_subaccount before insert on damage_report
    for each row execute function subaccount_of_vehicle();

-- Work and alerts go with their vehicle; what is over stays where it was.
create function vehicle_moves() returns trigger language plpgsql as $$
begin
    update staff_task set subaccount_id = new.subaccount_id
     where operator_id = new.operator_id and vehicle_id = new.id and stage = 'TODO';
    update vehicle_alert set subaccount_id = new.subaccount_id
     where operator_id = new.operator_id and vehicle_id = new.id and cleared_at is null;
    update damage_report set subaccount_id = new.subaccount_id
     where operator_id = new.operator_id and vehicle_id = new.id and status = 'IN_REVIEW';
    return null;
end $$;
create trigger vehicle_moves after update of subaccount_id on vehicle
    for each row when (old.subaccount_id is distinct from new.subaccount_id) execute function vehicle_moves();

-- Texts as they are searched: without accents, in lower case.
create extension if not exists unaccent;
create function fold(text) returns text language sql immutable strict parallel safe as
    $$ select lower(public.unaccent('public.unaccent'::regdictionary, $1)) $$;

drop index rider_search;
create index rider_search on rider
    using gin (operator_id, fold(name || ' ' || email || ' ' || phone_prefix || phone) gin_trgm_ops)
    where status <> 'DELETED';
create index rider_newest on rider (operator_id, created_at desc, id desc) where status <> 'DELETED';
create index rider_by_status on rider (operator_id, status, created_at desc, id desc)
    where status in ('BLOCKED', 'DELETION_REQUESTED');
create index vehicle_search on vehicle using gin (operator_id, fold(nr) gin_trgm_ops);
create index device_search on device using gin (operator_id, fold(identity) gin_trgm_ops);
create index rider_in_debt on ledger_account (operator_id, rider_id) where kind = 'RIDER_DEBT' and balance_minor < 0;

-- Kinds of work. `ref` is set of those that every operator starts with: rules know them by it.
create table task_type (
    operator_id  bigint not null references operator,
    id           bigint generated always as identity,
    ref          text,
    title        text not null check (title <> ''),
    -- Where it stands in lists.
    step_nr      int not null check (step_nr between 1 and 1000000),
    -- Not offered any more, because tasks of it exist.
    retired_at   timestamptz,
    primary key (operator_id, id),
    unique (operator_id, ref)
);
create index task_type_order on task_type (operator_id, step_nr, id) where retired_at is null;
create unique index task_type_title on task_type (operator_id, fold(title)) where retired_at is null;

create function first_task_types() returns trigger language plpgsql as $$
begin
    insert into task_type (operator_id, ref, title, step_nr)
    values (new.id, 'vehicle_is_damaged', 'Vehicle is damaged', 1),
           (new.id, 'problem_with_iot', 'Problem with IoT', 2),
           (new.id, 'maintenance_required', 'Maintenance required', 3),
           (new.id, 'check_up_required', 'Check-up required', 4),
           (new.id, 'battery_swap', 'Battery swap', 5),
           (new.id, 'battery_charging_required', 'Battery charging required', 6),
           (new.id, 'fueling_required', 'Fueling required', 7),
           (new.id, 'rebalance_collect', 'Rebalance (collect)', 8),
           (new.id, 'rebalance_deploy', 'Rebalance (deploy)', 9),
           (new.id, 'out_of_parking_zone', 'Out of parking zone', 10),
           (new.id, 'located_in_no_go_zone', 'Located in no-go zone', 11),
           (new.id, 'other', 'Other', 12);
    return null;
end $$;
create trigger first_task_types after insert on operator for each row execute function first_task_types();
insert into task_type (operator_id, ref, title, step_nr)
select o.id, d.ref, d.title, d.nr
  from operator o,
       (values ('vehicle_is_damaged', 'Vehicle is damaged', 1), ('problem_with_iot', 'Problem with IoT', 2),
               ('maintenance_required', 'Maintenance required', 3), ('check_up_required', 'Check-up required', 4),
               ('battery_swap', 'Battery swap', 5), ('battery_charging_required', 'Battery charging required', 6),
               ('fueling_required', 'Fueling required', 7), ('rebalance_collect', 'Rebalance (collect)', 8),
               ('rebalance_deploy', 'Rebalance (deploy)', 9), ('out_of_parking_zone', 'Out of parking zone', 10),
               ('located_in_no_go_zone', 'Located in no-go zone', 11), ('other', 'Other', 12)) d (ref, title, nr);

-- `type_ref` stays what rules name; a task that a person made of an own type has none.
alter table staff_task add column type_id bigint;
alter table staff_task alter column type_ref drop not null;
alter table staff_task add column assigned_to bigint;
alter table staff_task add column done_at timestamptz;
alter table staff_task add column done_by text;
update staff_task t set type_id = y.id
  from task_type y where y.operator_id = t.operator_id and y.ref = coalesce(t.type_ref, 'other');
update staff_task t set type_id = y.id
  from task_type y where t.type_id is null and y.operator_id = t.operator_id and y.ref = 'other';

create function task_type_of_ref() returns trigger language plpgsql as $$
begin
    select y.id into new.type_id
      from task_type y where y.operator_id = new.operator_id and y.ref in (new.type_ref, 'other')
     order by y.ref = new.type_ref desc limit 1;
    return new;
end $$;
create trigger staff_task_type before insert on staff_task
    for each row when (new.type_id is null) execute function task_type_of_ref();
alter table staff_task add constraint staff_task_has_type check (type_id is not null) not valid;
alter table staff_task add constraint staff_task_type
    foreign key (operator_id, type_id) references task_type (operator_id, id) not valid;
alter table staff_task add constraint staff_task_assigned
    foreign key (operator_id, assigned_to) references staff (operator_id, id) not valid;
create index staff_task_newest on staff_task (operator_id, created_at desc, id desc);
create index staff_task_by_stage on staff_task (operator_id, stage, created_at desc, id desc);
create index staff_task_by_type on staff_task (operator_id, type_id, created_at desc, id desc);
create index staff_task_of_subaccount on staff_task (operator_id, subaccount_id, created_at desc, id desc)
    where subaccount_id is not null;
create index staff_task_overdue on staff_task (operator_id, ends_at) where stage = 'TODO' and ends_at is not null;
create index staff_task_by_staff on staff_task (operator_id, assigned_to, created_at desc, id desc)
    where assigned_to is not null;
create index staff_task_waiting on staff_task (operator_id, vehicle_id) where stage = 'TODO';

create index vehicle_alert_of_subaccount on vehicle_alert (operator_id, subaccount_id, raised_at desc, id desc)
    where subaccount_id is not null;
create index damage_report_waiting on damage_report (operator_id, vehicle_id) where status = 'IN_REVIEW';
create index damage_report_approved on damage_report (operator_id, vehicle_id) where status = 'APPROVED';
alter table damage_report add column reviewed_at timestamptz;
alter table damage_report add column reviewed_by text;

create table vehicle_note (
    operator_id  bigint not null,
    id           bigint generated always as identity,
    vehicle_id   bigint not null,
    text         text not null check (text <> ''),
    actor        text not null,
    at           timestamptz not null,
    primary key (operator_id, id),
    foreign key (operator_id, vehicle_id) references vehicle (operator_id, id)
);
create index vehicle_note_vehicle on vehicle_note (operator_id, vehicle_id, id desc);

-- How the vehicle was when its status changed, for who asks later.
alter table vehicle_status_change add column lat double precision;
alter table vehicle_status_change add column lon double precision;
alter table vehicle_status_change add column battery_pct smallint;
alter table vehicle_status_change add column seen_at timestamptz;
create index vehicle_status_change_by_staff on vehicle_status_change (operator_id, at desc, id desc)
    where actor like 'staff:%';

-- What staff made of the end of a ride.
alter table ride add column parking_quality text;
alter table ride add constraint ride_parking_quality check (parking_quality in ('GOOD', 'ACCEPTABLE', 'BAD')) not valid;
alter table ride add column reviewed_at timestamptz;
alter table ride add column reviewed_by text;
-- What its rider thought of it, kept by `ride_is_rated`.
alter table ride add column rating smallint;
alter table ride add column has_comment boolean not null default false;

create function ride_is_rated() returns trigger language plpgsql as $$
begin
    update ride set rating = new.rating, has_comment = new.comment <> ''
     where operator_id = new.operator_id and id = new.ride_id;
    return null;
end $$;
create trigger ride_is_rated after insert or update on ride_rating for each row execute function ride_is_rated();
update ride r set rating = a.rating, has_comment = a.comment <> ''
  from ride_rating a where a.operator_id = r.operator_id and a.ride_id = r.id;

create index ride_newest on ride (operator_id, requested_at desc, id desc);
create index ride_under_way on ride (operator_id, requested_at desc, id desc) where status not in ('ENDED', 'FAILED');
create index ride_in_review on ride (operator_id, requested_at desc, id desc) where review_status = 'IN_REVIEW';
create index ride_of_subaccount on ride (operator_id, subaccount_id, requested_at desc, id desc)
    where subaccount_id is not null;
create index ride_by_model on ride (operator_id, model_id, requested_at desc, id desc);
create index ride_by_rating on ride (operator_id, rating, requested_at desc, id desc) where rating is not null;
create index ride_with_comment on ride (operator_id, requested_at desc, id desc) where has_comment;
create index ride_by_parking on ride (operator_id, parking_quality, requested_at desc, id desc)
    where parking_quality is not null;
create index ride_by_distance on ride (operator_id, distance_m) where status = 'ENDED';
create index ride_by_duration on ride (operator_id, (ended_at - started_at)) where status = 'ENDED';

-- What has come together. `rides` are those that ended; of a rider also by subaccount, 0 being the whole operator.
create table vehicle_total (
    operator_id    bigint not null,
    vehicle_id     bigint not null,
    rides          int not null default 0,
    distance_m     bigint not null default 0,
    first_ride_at  timestamptz,
    last_ride_at   timestamptz,
    last_ride_id   bigint,
    primary key (operator_id, vehicle_id),
    foreign key (operator_id, vehicle_id) references vehicle (operator_id, id)
) with (fillfactor = 80);
create table rider_total (
    operator_id    bigint not null,
    subaccount_id  bigint not null,
    rider_id       bigint not null,
    rides          int not null default 0,
    last_ride_at   timestamptz,
    rating_sum     int not null default 0,
    rating_count   int not null default 0,
    primary key (operator_id, subaccount_id, rider_id),
    foreign key (operator_id, rider_id) references rider (operator_id, id)
) with (fillfactor = 80);
create index rider_total_rides on rider_total (operator_id, subaccount_id, rides);
create index rider_total_last_ride on rider_total (operator_id, subaccount_id, last_ride_at);

-- What is counted by day is written down as it happens, so that nobody waits for a row that all write to; the worker
-- adds it up into `day_total`. The day is that of the operator's clock; what stands open has the day 1970-01-01.
create table day_tally (
    operator_id    bigint not null,
    id             bigint generated always as identity,
    subaccount_id  bigint not null,
    day            date not null,
    what           text not null check (what in (
                       'ride', 'rider', 'top_up', 'subscription', 'task', 'damage', 'open_task', 'open_damage')),
    count          bigint not null,
    amount_minor   bigint not null default 0,
    primary key (operator_id, id)
);
create table day_total (
    operator_id    bigint not null,
    subaccount_id  bigint not null,
    day            date not null,
    what           text not null,
    count          bigint not null,
    amount_minor   bigint not null,
    primary key (operator_id, day, what, subaccount_id)
);

create function day_at(of_operator bigint, at timestamptz) returns date language sql stable as
    $$ select (at at time zone time_zone)::date from operator where id = of_operator $$;

create function tally(of_operator bigint, subaccount bigint, on_day date, of_what text, how_many bigint, amount bigint)
returns void language sql as $$
    insert into day_tally (operator_id, subaccount_id, day, what, count, amount_minor)
    values (of_operator, coalesce(subaccount, 0), on_day, of_what, how_many, amount)
$$;

create function total_ride() returns trigger language plpgsql as $$
declare
    was_ended boolean := tg_op = 'UPDATE' and old.status = 'ENDED';
begin
    if new.status <> 'ENDED' or was_ended then
        if was_ended and new.total_minor is distinct from old.total_minor then
            -- Corrected later: it stays a ride of its day.
            perform tally(new.operator_id, new.subaccount_id, day_at(new.operator_id, new.ended_at), 'ride', 0,
                          new.total_minor - old.total_minor);
        end if;
        return null;
    end if;
    perform tally(new.operator_id, new.subaccount_id, day_at(new.operator_id, new.ended_at), 'ride', 1, new.total_minor);
    insert into vehicle_total as t (operator_id, vehicle_id, rides, distance_m, first_ride_at, last_ride_at, last_ride_id)
    values (new.operator_id, new.vehicle_id, 1, coalesce(new.distance_m, 0), new.started_at, new.ended_at, new.id)
    on conflict (operator_id, vehicle_id) do update
       set rides = t.rides + 1, distance_m = t.distance_m + excluded.distance_m,
           first_ride_at = coalesce(t.first_ride_at, excluded.first_ride_at),
           last_ride_at = excluded.last_ride_at, last_ride_id = excluded.last_ride_id;
    insert into rider_total as t (operator_id, subaccount_id, rider_id, rides, last_ride_at)
    select new.operator_id, s, new.rider_id, 1, new.ended_at
      from unnest(array[0, new.subaccount_id]) s where s is not null order by s
    on conflict (operator_id, subaccount_id, rider_id) do update
       set rides = t.rides + 1, last_ride_at = greatest(t.last_ride_at, excluded.last_ride_at);
    return null;
end $$;
create trigger total_ride after update of status, total_minor on ride for each row execute function total_ride();

-- Who works at a subaccount sees the riders who have begun a ride there.
create function rider_is_seen() returns trigger language plpgsql as $$
begin
    insert into rider_total (operator_id, subaccount_id, rider_id)
    values (new.operator_id, new.subaccount_id, new.rider_id)
    on conflict (operator_id, subaccount_id, rider_id) do nothing;
    return null;
end $$;
create trigger rider_is_seen after insert on ride
    for each row when (new.subaccount_id is not null) execute function rider_is_seen();

create function total_rating() returns trigger language plpgsql as $$
declare
    of_subaccount bigint;
begin
    select subaccount_id into of_subaccount from ride where operator_id = new.operator_id and id = new.ride_id;
    insert into rider_total as t (operator_id, subaccount_id, rider_id, rating_sum, rating_count)
    select new.operator_id, s, new.rider_id,
           new.rating - case when tg_op = 'UPDATE' then old.rating else 0 end,
           case when tg_op = 'UPDATE' then 0 else 1 end
      from unnest(array[0, of_subaccount]) s where s is not null order by s
    on conflict (operator_id, subaccount_id, rider_id) do update
       set rating_sum = t.rating_sum + excluded.rating_sum, rating_count = t.rating_count + excluded.rating_count;
    return null;
end $$;
create trigger total_rating after insert or update of rating on ride_rating for each row execute function total_rating();

create function total_rider() returns trigger language plpgsql as $$
begin
    perform tally(new.operator_id, null, day_at(new.operator_id, new.created_at), 'rider', 1, 0);
    return null;
end $$;
create trigger total_rider after insert on rider for each row execute function total_rider();

create function total_task() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        perform tally(new.operator_id, new.subaccount_id, day_at(new.operator_id, new.created_at), 'task', 1, 0);
    elsif old.stage = 'TODO' then
        perform tally(old.operator_id, old.subaccount_id, date '1970-01-01', 'open_task', -1, 0);
    end if;
    if new.stage = 'TODO' then
        perform tally(new.operator_id, new.subaccount_id, date '1970-01-01', 'open_task', 1, 0);
    end if;
    return null;
end $$;
create trigger total_task after insert on staff_task for each row execute function total_task();
create trigger total_task_changed after update of stage, subaccount_id on staff_task
    for each row when (old.stage is distinct from new.stage or old.subaccount_id is distinct from new.subaccount_id)
    execute function total_task();

create function total_damage() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        perform tally(new.operator_id, new.subaccount_id, day_at(new.operator_id, new.at), 'damage', 1, 0);
    elsif old.status = 'IN_REVIEW' then
        perform tally(old.operator_id, old.subaccount_id, date '1970-01-01', 'open_damage', -1, 0);
    end if;
    if new.status = 'IN_REVIEW' then
        perform tally(new.operator_id, new.subaccount_id, date '1970-01-01', 'open_damage', 1, 0);
    end if;
    return null;
end $$;
create trigger total_damage after insert on damage_report for each row execute function total_damage();
create trigger total_damage_changed after update of status, subaccount_id on damage_report
    for each row when (old.status is distinct from new.status or old.subaccount_id is distinct from new.subaccount_id)
    execute function total_damage();

-- Money that riders bring in beside what they pay for journeys. At the commit, when the entries are there.
create function total_money() returns trigger language plpgsql as $$
declare
    amount bigint;
begin
    select sum(e.amount_minor) into amount
      from ledger_entry e
      join ledger_account a on a.operator_id = e.operator_id and a.id = e.account_id
     where e.operator_id = new.operator_id and e.transaction_id = new.id
       and a.kind = any(case when new.reason = 'card_captured' then array['RIDER_BALANCE'] else array['REVENUE', 'TAX'] end);
    if amount <> 0 then
        perform tally(new.operator_id, null, day_at(new.operator_id, new.at),
                      case when new.reason = 'card_captured' then 'top_up' else 'subscription' end,
                      sign(amount)::bigint, amount);
    end if;
    return null;
end $$;
create constraint trigger total_money after insert on ledger_transaction deferrable initially deferred
    for each row when (new.reason in ('card_captured', 'subscription', 'subscription_unpaid')) execute function total_money();

insert into vehicle_total (operator_id, vehicle_id, rides, distance_m, first_ride_at, last_ride_at, last_ride_id)
select operator_id, vehicle_id, count(*), coalesce(sum(distance_m), 0), min(started_at), max(ended_at), max(id)
  from ride where status = 'ENDED' group by operator_id, vehicle_id;
insert into rider_total (operator_id, subaccount_id, rider_id, rides, last_ride_at, rating_sum, rating_count)
select operator_id, 0, rider_id, count(*) filter (where status = 'ENDED'), max(ended_at) filter (where status = 'ENDED'),
       coalesce(sum(rating), 0), count(rating)
  from ride group by operator_id, rider_id;
insert into day_total (operator_id, subaccount_id, day, what, count, amount_minor)
select operator_id, 0, day, what, sum(count), sum(amount_minor) from (
    select r.operator_id, (r.ended_at at time zone o.time_zone)::date as day, 'ride' as what, 1 as count,
           r.total_minor as amount_minor
      from ride r join operator o on o.id = r.operator_id where r.status = 'ENDED'
    union all
    select r.operator_id, (r.created_at at time zone o.time_zone)::date, 'rider', 1, 0
      from rider r join operator o on o.id = r.operator_id
    union all
    select t.operator_id, (t.created_at at time zone o.time_zone)::date, 'task', 1, 0
      from staff_task t join operator o on o.id = t.operator_id
    union all
    select operator_id, date '1970-01-01', 'open_task', 1, 0 from staff_task where stage = 'TODO'
    union all
    select d.operator_id, (d.at at time zone o.time_zone)::date, 'damage', 1, 0
      from damage_report d join operator o on o.id = d.operator_id
    union all
    select operator_id, date '1970-01-01', 'open_damage', 1, 0 from damage_report where status = 'IN_REVIEW'
    union all
    select t.operator_id, (t.at at time zone o.time_zone)::date,
           case when t.reason = 'card_captured' then 'top_up' else 'subscription' end, sign(s.amount), s.amount
      from ledger_transaction t
      join operator o on o.id = t.operator_id
      cross join lateral (
            select sum(e.amount_minor) as amount
              from ledger_entry e join ledger_account a on a.operator_id = e.operator_id and a.id = e.account_id
             where e.operator_id = t.operator_id and e.transaction_id = t.id
               and a.kind = any(case when t.reason = 'card_captured' then array['RIDER_BALANCE']
                                     else array['REVENUE', 'TAX'] end)) s
     where t.reason in ('card_captured', 'subscription', 'subscription_unpaid') and s.amount <> 0) counted
 group by operator_id, day, what;

-- Units: what they are, their SIM, what runs on them; and those that dialled in and belong to nobody.
alter table device add column model text not null default '';
alter table device add column phone_prefix text not null default '';
alter table device add column phone text not null default '';
alter table device add column firmware text not null default '';
create table unknown_unit (
    protocol       text not null,
    identity       text not null check (length(identity) between 1 and 64),
    first_seen_at  timestamptz not null,
    last_seen_at   timestamptz not null,
    tries          bigint not null default 1,
    address        text not null default '',
    primary key (protocol, identity)
);
create index unknown_unit_last_seen on unknown_unit (last_seen_at desc);

-- Where riders' apps can be reached. An app is of the rider who used it last.
create table rider_push_token (
    operator_id  bigint not null,
    token        text not null check (octet_length(token) between 1 and 1024),
    rider_id     bigint not null,
    at           timestamptz not null,
    primary key (operator_id, token),
    foreign key (operator_id, rider_id) references rider (operator_id, id)
);
create index rider_push_token_rider on rider_push_token (operator_id, rider_id, at desc);

-- Demo and test mode only: the notifications that the stand-in "sent".
create table dev_push_outbox (
    id       bigint generated always as identity primary key,
    token    text not null,
    title    text not null,
    body     text not null,
    sent_at  timestamptz not null
);
create index dev_push_outbox_token on dev_push_outbox (token, id desc);
create index dev_push_outbox_sent_at on dev_push_outbox (sent_at);
