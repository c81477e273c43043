-- Taxi: classes and vehicles, drivers and where they are, trips, what drivers were offered, what each was paid.

-- Signs quotes and places of the operator's: see maps and taxi.
alter table operator add column token_key bytea not null
    default decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex')
    check (length(token_key) = 32);

create table taxi_class (
    operator_id  bigint not null references operator,
    id           bigint generated always as identity,
    ref          text not null,
    title        text not null,
    -- taxi.model.TaxiClassSpec
    spec         jsonb not null,
    retired_at   timestamptz,
    primary key (operator_id, id),
    unique (operator_id, ref)
);

create table taxi_vehicle (
    operator_id  bigint not null references operator,
    id           bigint generated always as identity,
    -- What people read on it; unique within the operator.
    plate        text not null,
    title        text not null,
    color        text not null default '',
    seats        smallint not null check (seats between 1 and 100),
    class_ids    bigint[] not null,
    retired_at   timestamptz,
    primary key (operator_id, id),
    unique (operator_id, plate)
);

create table driver (
    operator_id    bigint not null references operator,
    id             bigint generated always as identity,
    name           text not null,
    email          text not null default '',
    phone_prefix   text not null,
    phone          text not null,
    language       text not null,
    status         text not null check (status in ('ACTIVE', 'BLOCKED', 'RETIRED')),
    -- Whether the driver takes cash.
    cash_allowed   boolean not null,
    -- What the operator keeps of a fare, percent; null: as the operator's settings say.
    commission_pct numeric(5, 2) check (commission_pct between 0 and 100),
    rating_sum     int not null default 0,
    rating_count   int not null default 0,
    created_at     timestamptz not null,
    primary key (operator_id, id)
);
create unique index driver_phone on driver (operator_id, phone_prefix, phone) where status <> 'RETIRED';
create index driver_name on driver (operator_id, name, id);

create table driver_token (
    token_hash  bytea primary key check (length(token_hash) = 32),
    operator_id bigint not null,
    driver_id   bigint not null,
    created_at  timestamptz not null,
    expires_at  timestamptz not null,
    foreign key (operator_id, driver_id) references driver (operator_id, id)
);
create index driver_token_driver on driver_token (operator_id, driver_id);
create index driver_token_expiry on driver_token (expires_at);

-- Which vehicles a driver may drive.
create table driver_vehicle (
    operator_id  bigint not null,
    driver_id    bigint not null,
    vehicle_id   bigint not null,
    primary key (operator_id, driver_id, vehicle_id),
    foreign key (operator_id, driver_id) references driver (operator_id, id),
    foreign key (operator_id, vehicle_id) references taxi_vehicle (operator_id, id)
);

create table driver_document (
    operator_id   bigint not null,
    id            bigint generated always as identity,
    driver_id     bigint not null,
    kind          text not null check (kind ~ '^[a-z][a-z_]{1,40}$'),
    expires_on    date,
    status        text not null check (status in ('PENDING', 'APPROVED', 'REJECTED', 'REPLACED')),
    blob_key      text unique,
    content_type  text,
    bytes         bigint,
    reason        text,
    reviewed_by   text,
    reviewed_at   timestamptz,
    created_at    timestamptz not null,
    primary key (operator_id, id),
    foreign key (operator_id, driver_id) references driver (operator_id, id)
);
create index driver_document_driver on driver_document (operator_id, driver_id, id desc);
-- Of a kind one holds.
create unique index driver_document_holds on driver_document (operator_id, driver_id, kind) where status = 'APPROVED';

-- Whether a driver works now, in what, and where; changed by every position.
create table driver_state (
    operator_id   bigint not null,
    driver_id     bigint not null,
    is_online     boolean not null default false,
    vehicle_id    bigint,
    -- The classes of the vehicle that the driver takes trips of.
    class_ids     bigint[] not null default '{}',
    lat           double precision check (lat between -90 and 90),
    lon           double precision check (lon between -180 and 180),
    heading_deg   smallint check (heading_deg between 0 and 359),
    -- When the unit was there, by its clock but never in our future.
    position_at   timestamptz,
    -- When we heard of the driver last.
    seen_at       timestamptz,
    online_since  timestamptz,
    -- Since when without a trip.
    idle_since    timestamptz,
    primary key (operator_id, driver_id),
    foreign key (operator_id, driver_id) references driver (operator_id, id),
    foreign key (operator_id, vehicle_id) references taxi_vehicle (operator_id, id),
    check (is_online <= (vehicle_id is not null and online_since is not null)),
    check ((lat is null) = (position_at is null) and (lat is null) = (lon is null))
) with (fillfactor = 70);
create unique index driver_state_vehicle on driver_state (operator_id, vehicle_id) where is_online;
create index driver_state_online on driver_state (operator_id, driver_id) where is_online;

create table trip (
    operator_id        bigint not null references operator,
    id                 bigint generated always as identity,
    rider_id           bigint not null,
    class_id           bigint not null,
    status             text not null check (status in (
                           'AUTHORISING', 'REQUESTED', 'SCHEDULED', 'ACCEPTED', 'ARRIVED', 'STARTED', 'ENDED', 'CANCELED')),
    -- A quote is used once.
    quote_id           uuid not null,
    -- Who drives; for a SCHEDULED trip who promised to.
    driver_id          bigint,
    vehicle_id         bigint,
    -- The only driver whom the rider wants.
    wanted_driver_id   bigint,
    payment            text not null check (payment in ('CASH', 'CARD', 'WALLET')),
    payment_method_id  text not null,
    currency           text not null check (currency ~ '^[A-Z]{3}$'),
    -- What was agreed: taxi.model.TripTerms.
    terms              jsonb not null,
    comment            text not null default '',
    pin                text check (pin ~ '^[0-9]{4}$'),
    requested_at       timestamptz not null,
    -- When the rider wants to be picked up; null: now.
    scheduled_at       timestamptz,
    -- Until when a driver is looked for, once it is.
    search_until       timestamptz,
    -- How often it was put back because its driver gave it up.
    reoffers           smallint not null default 0 check (reoffers between 0 and 10),
    accepted_at        timestamptz,
    arrived_at         timestamptz,
    started_at         timestamptz,
    ended_at           timestamptz,
    closed_at          timestamptz,
    -- Why it was over, in one stable word, and by whom.
    outcome            text,
    closed_by          text,
    -- Where the driver was when the trip was accepted, and how far off it was thought to be.
    pickup_eta_s       int check (pickup_eta_s >= 0),
    driven_m           double precision not null default 0 check (driven_m >= 0),
    -- The last position that counted for driven_m.
    track_lat          double precision,
    track_lon          double precision,
    track_at           timestamptz,
    -- The bill: of the ride, or the fee of a cancelled one.
    lines              jsonb not null default '[]',
    taxes              jsonb not null default '[]',
    total_minor        bigint not null default 0 check (total_minor >= 0),
    tax_minor          bigint not null default 0 check (tax_minor between 0 and total_minor),
    charged_bonus_minor   bigint not null default 0 check (charged_bonus_minor >= 0),
    charged_balance_minor bigint not null default 0 check (charged_balance_minor >= 0),
    charged_card_minor    bigint not null default 0 check (charged_card_minor >= 0),
    card_pending_minor    bigint not null default 0 check (card_pending_minor >= 0),
    debt_minor            bigint not null default 0 check (debt_minor >= 0),
    -- What the driver was given in cash, and what is to be given still.
    cash_minor            bigint not null default 0 check (cash_minor >= 0),
    cash_due_minor        bigint not null default 0 check (cash_due_minor >= 0),
    refunded_minor        bigint not null default 0 check (refunded_minor between 0 and total_minor),
    -- What of it is the driver's.
    earned_minor          bigint not null default 0 check (earned_minor >= 0),
    rating             smallint check (rating between 1 and 5),
    rating_comment     text,
    rated_at           timestamptz,
    -- What was told already: words of taxi.model.Notice.
    told               text[] not null default '{}',
    -- When the worker looks at it next; null: there is nothing more to do.
    next_at            timestamptz,
    primary key (operator_id, id),
    foreign key (operator_id, rider_id) references rider (operator_id, id),
    foreign key (operator_id, class_id) references taxi_class (operator_id, id),
    foreign key (operator_id, driver_id) references driver (operator_id, id),
    foreign key (operator_id, wanted_driver_id) references driver (operator_id, id),
    foreign key (operator_id, vehicle_id) references taxi_vehicle (operator_id, id),
    unique (operator_id, quote_id),
    check ((status in ('ENDED', 'CANCELED')) = (closed_at is not null)),
    check ((status in ('ACCEPTED', 'ARRIVED', 'STARTED', 'ENDED')) <= (driver_id is not null and vehicle_id is not null)),
    check ((status = 'REQUESTED') <= (driver_id is null)),
    check ((status = 'SCHEDULED') <= (scheduled_at is not null)),
    check ((status = 'ENDED') = (ended_at is not null)),
    check ((status in ('STARTED', 'ENDED')) <= (started_at is not null)),
    check ((rating is null) = (rated_at is null) and (rating is null or status = 'ENDED')),
    check (total_minor = charged_bonus_minor + charged_balance_minor + charged_card_minor + card_pending_minor + debt_minor
                         + cash_minor + cash_due_minor)
);
-- A driver drives one trip, whoever accepts at the same moment.
create unique index trip_driver on trip (operator_id, driver_id) where status in ('ACCEPTED', 'ARRIVED', 'STARTED');
create index trip_of_rider on trip (operator_id, rider_id, id desc);
create index trip_of_driver on trip (operator_id, driver_id, id desc) where driver_id is not null;
create index trip_newest on trip (operator_id, id desc);
create index trip_by_status on trip (operator_id, status, id desc);
create index trip_open on trip (operator_id, id)
    where status in ('AUTHORISING', 'REQUESTED', 'SCHEDULED', 'ACCEPTED', 'ARRIVED', 'STARTED');
create index trip_requested on trip (operator_id, requested_at) where status = 'REQUESTED';
create index trip_scheduled on trip (operator_id, scheduled_at) where status = 'SCHEDULED';
create index trip_promised on trip (operator_id, driver_id, scheduled_at)
    where status = 'SCHEDULED' and driver_id is not null;
create index trip_due on trip (next_at) where next_at is not null;

-- Where it goes: 0 is the pick-up, the last one the destination.
create table trip_point (
    operator_id  bigint not null,
    trip_id      bigint not null,
    nr           smallint not null check (nr between 0 and 7),
    lat          double precision not null check (lat between -90 and 90),
    lon          double precision not null check (lon between -180 and 180),
    title        text not null,
    subtitle     text not null default '',
    reached_at   timestamptz,
    primary key (operator_id, trip_id, nr),
    foreign key (operator_id, trip_id) references trip (operator_id, id)
);

-- Every change of a trip's status, and what else happened to it: never changed.
create table trip_event (
    operator_id  bigint not null,
    trip_id      bigint not null,
    nr           int not null,
    kind         text not null,
    from_status  text,
    to_status    text,
    at           timestamptz not null,
    actor        text not null,
    reason       text,
    data         jsonb not null default '{}',
    primary key (operator_id, trip_id, nr),
    foreign key (operator_id, trip_id) references trip (operator_id, id)
);

-- What a driver was offered. A driver who declined, or let the time pass, is not offered the same trip again.
create table trip_offer (
    operator_id  bigint not null references operator,
    id           bigint generated always as identity,
    trip_id      bigint not null,
    driver_id    bigint not null,
    status       text not null check (status in ('OPEN', 'ACCEPTED', 'DECLINED', 'EXPIRED', 'WITHDRAWN', 'GIVEN_UP')),
    -- Which of the offers that a driver can hold at once it is.
    slot         smallint not null check (slot between 1 and 10),
    offered_at   timestamptz not null,
    expires_at   timestamptz not null,
    answered_at  timestamptz,
    eta_s        int not null check (eta_s >= 0),
    distance_m   int not null check (distance_m >= 0),
    reason       text,
    primary key (operator_id, id),
    unique (operator_id, trip_id, driver_id),
    foreign key (operator_id, trip_id) references trip (operator_id, id),
    foreign key (operator_id, driver_id) references driver (operator_id, id),
    check ((status = 'OPEN') = (answered_at is null))
);
-- One acceptance a trip.
create unique index trip_offer_accepted on trip_offer (operator_id, trip_id) where status = 'ACCEPTED';
create unique index trip_offer_slot on trip_offer (operator_id, driver_id, slot) where status = 'OPEN';
create index trip_offer_of on trip_offer (operator_id, trip_id, id);
create index trip_offer_driver on trip_offer (operator_id, driver_id, id desc);
create index trip_offer_ending on trip_offer (expires_at) where status = 'OPEN';

-- By how much fares are raised where more riders ask than drivers are free, cell by cell.
create table taxi_surge (
    operator_id  bigint not null references operator,
    cell         text not null,
    factor       numeric(4, 2) not null check (factor between 1 and 10),
    at           timestamptz not null,
    primary key (operator_id, cell)
);

-- A refund of a trip's fare by staff.
create table trip_refund (
    operator_id         bigint not null references operator,
    id                  bigint generated always as identity,
    trip_id             bigint not null,
    amount_minor        bigint not null check (amount_minor > 0),
    taxes               jsonb not null,
    -- Which parts of what was paid it gives back.
    bonus_minor         bigint not null check (bonus_minor >= 0),
    balance_minor       bigint not null check (balance_minor >= 0),
    card_minor          bigint not null check (card_minor >= 0),
    debt_minor          bigint not null check (debt_minor >= 0),
    -- Where it went; what the card's provider is still asked for becomes card or wallet.
    to_bonus_minor      bigint not null check (to_bonus_minor >= 0),
    to_balance_minor    bigint not null check (to_balance_minor >= 0),
    to_debt_minor       bigint not null check (to_debt_minor >= 0),
    to_card_minor       bigint not null default 0 check (to_card_minor >= 0),
    card_pending_minor  bigint not null check (card_pending_minor >= 0),
    reason              text not null,
    actor               text not null,
    key                 text,
    at                  timestamptz not null,
    primary key (operator_id, id),
    unique (operator_id, actor, key),
    foreign key (operator_id, trip_id) references trip (operator_id, id),
    check (amount_minor = bonus_minor + balance_minor + card_minor + debt_minor),
    check (amount_minor = to_bonus_minor + to_balance_minor + to_debt_minor + to_card_minor + card_pending_minor)
);
create index trip_refund_of on trip_refund (operator_id, trip_id, id);

-- Accounts of drivers: what the operator owes them, below zero what they owe of the cash they took.
alter table ledger_account add column driver_id bigint;
alter table ledger_account add constraint ledger_account_driver_fkey
    foreign key (operator_id, driver_id) references driver (operator_id, id) not valid;
alter table ledger_account drop constraint ledger_account_kind_check;
alter table ledger_account add constraint ledger_account_kind_check check (kind in (
    'RIDER_BALANCE', 'RIDER_BONUS', 'RIDER_DEBT', 'RIDER_IN_TRANSIT', 'RIDER_DEPOSIT', 'DRIVER_BALANCE',
    'REVENUE', 'TAX', 'PROVIDER_CLEARING', 'ADJUSTMENTS', 'CHARGEBACKS')) not valid;
alter table ledger_account drop constraint ledger_account_check1;
alter table ledger_account add constraint ledger_account_driver_check
    check ((driver_id is not null) = (kind = 'DRIVER_BALANCE')) not valid;
alter table ledger_account add constraint ledger_account_sum_check
    check ((balance_minor is not null) = (rider_id is not null or driver_id is not null)) not valid;
drop index ledger_account_operator;
create unique index ledger_account_operator on ledger_account (operator_id, currency, kind)
    where rider_id is null and driver_id is null;
create unique index ledger_account_driver on ledger_account (operator_id, driver_id, currency)
    where driver_id is not null;

create or replace function ledger_keep() returns trigger language plpgsql set enable_seqscan = off as $$
declare
    entry record;
    account record;
    transaction_id bigint;
    transaction_currency text;
    expected_nr int;
    total numeric := 0;
begin
    for entry in select * from new_entries order by new_entries.transaction_id, nr loop
        if transaction_id is distinct from entry.transaction_id then
            if total <> 0 then
                exit;
            end if;
            transaction_id := entry.transaction_id;
            expected_nr := 1;
            select currency into transaction_currency from ledger_transaction
             where operator_id = entry.operator_id and id = entry.transaction_id;
        end if;
        if entry.nr <> expected_nr then
            raise exception 'ledger transaction % must get its entries in one statement, numbered from 1', transaction_id
                using errcode = 'check_violation';
        end if;
        expected_nr := expected_nr + 1;
        total := total + entry.amount_minor;
        select coalesce(rider_id, driver_id) as holder, currency into account from ledger_account
         where operator_id = entry.operator_id and id = entry.account_id;
        if account.currency <> transaction_currency then
            raise exception 'ledger transaction % mixes currencies', transaction_id using errcode = 'check_violation';
        end if;
        if account.holder is not null then
            update ledger_account set balance_minor = balance_minor + entry.amount_minor
             where operator_id = entry.operator_id and id = entry.account_id;
        end if;
    end loop;
    if total <> 0 then
        raise exception 'ledger transaction % does not sum to zero but to %', transaction_id, total
            using errcode = 'check_violation';
    end if;
    return null;
end $$;

alter table card_payment drop constraint card_payment_purpose_check;
alter table card_payment add constraint card_payment_purpose_check check (purpose in (
    'RIDE', 'TOP_UP', 'AUTO_TOP_UP', 'DEBT', 'SUBSCRIPTION', 'BOOKING', 'BOOKING_EXTRA', 'DEPOSIT', 'TRIP')) not valid;
alter table receipt drop constraint receipt_kind_check;
alter table receipt add constraint receipt_kind_check check (kind in (
    'RIDE', 'FINE', 'CREDIT_NOTE', 'SUBSCRIPTION', 'RESERVATION', 'BOOKING', 'TRIP')) not valid;
alter table receipt add column paid_cash_minor bigint not null default 0 check (paid_cash_minor >= 0);
alter table receipt drop constraint receipt_check3;
alter table receipt add constraint receipt_paid_check check (total_minor =
    paid_bonus_minor + paid_balance_minor + paid_card_minor + paid_debt_minor + paid_cash_minor) not valid;
alter table phone_verification drop constraint phone_verification_flow_check;
alter table phone_verification add constraint phone_verification_flow_check
    check (flow in ('LOGIN', 'REGISTER', 'DRIVER')) not valid;
