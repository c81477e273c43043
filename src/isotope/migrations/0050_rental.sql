-- Rental: stations, what can be rented of which model, prices; bookings, what they cost, what was given back.

create extension if not exists btree_gist;

-- For when a vehicle is spoken for, and by what: a booking with its buffer, maintenance with dates.
create table vehicle_slot (
    operator_id  bigint not null,
    vehicle_id   bigint not null,
    -- 'booking:12', 'task:7'
    holder       text not null check (holder ~ '^(booking|task):[0-9]+$'),
    during       tstzrange not null
                 check (not isempty(during) and lower_inc(during) and not upper_inc(during)
                        and not lower_inf(during) and not upper_inf(during)),
    primary key (operator_id, holder),
    foreign key (operator_id, vehicle_id) references vehicle (operator_id, id),
    -- No two of a vehicle overlap, whoever writes at the same moment.
    constraint vehicle_slot_free exclude using gist (operator_id with =, vehicle_id with =, during with &&)
);
create index vehicle_slot_over on vehicle_slot (upper(during));

-- Work that is planned: from when to when it keeps the vehicle. Null: whenever.
alter table staff_task add column starts_at timestamptz;
alter table staff_task add column ends_at timestamptz;
alter table staff_task add constraint staff_task_dates
    check ((starts_at is null) = (ends_at is null) and (starts_at is null or starts_at < ends_at)) not valid;

create table rental_zone (
    operator_id  bigint not null references operator,
    id           bigint generated always as identity,
    ref          text not null,
    title        text not null,
    -- The place itself, where a map has its pin.
    lat          double precision not null check (lat between -90 and 90),
    lon          double precision not null check (lon between -180 and 180),
    -- GeoJSON Polygon around it, or null for a circle.
    area         jsonb,
    radius_m     double precision check (radius_m > 0),
    -- rental.model.StationSpec
    spec         jsonb not null,
    retired_at   timestamptz,
    primary key (operator_id, id),
    unique (operator_id, ref),
    check ((area is null) = (radius_m is not null))
);

create table rental_tariff (
    operator_id  bigint not null references operator,
    id           bigint generated always as identity,
    ref          text not null,
    title        text not null,
    -- rental.model.RentalTariff
    spec         jsonb not null,
    retired_at   timestamptz,
    primary key (operator_id, id),
    unique (operator_id, ref)
);

create table rental_package (
    operator_id  bigint not null references operator,
    id           bigint generated always as identity,
    ref          text not null,
    title        text not null,
    -- rental.model.RentalPackageSpec
    spec         jsonb not null,
    retired_at   timestamptz,
    primary key (operator_id, id),
    unique (operator_id, ref)
);

create table rental_addon (
    operator_id  bigint not null references operator,
    id           bigint generated always as identity,
    ref          text not null,
    title        text not null,
    -- rental.model.RentalAddonSpec
    spec         jsonb not null,
    retired_at   timestamptz,
    primary key (operator_id, id),
    unique (operator_id, ref)
);

-- Which models can be rented, and for what.
create table rental_model (
    operator_id  bigint not null references operator,
    model_id     bigint not null,
    tariff_id    bigint not null,
    -- rental.model.RentalModelSpec
    spec         jsonb not null,
    retired_at   timestamptz,
    primary key (operator_id, model_id),
    foreign key (operator_id, model_id) references vehicle_model (operator_id, id),
    foreign key (operator_id, tariff_id) references rental_tariff (operator_id, id)
);

-- The station that a vehicle belongs to: the one that it last stood in.
create table rental_vehicle (
    operator_id  bigint not null,
    vehicle_id   bigint not null,
    zone_id      bigint not null,
    since        timestamptz not null,
    primary key (operator_id, vehicle_id),
    foreign key (operator_id, vehicle_id) references vehicle (operator_id, id),
    foreign key (operator_id, zone_id) references rental_zone (operator_id, id)
);
create index rental_vehicle_zone on rental_vehicle (operator_id, zone_id);

create table booking (
    operator_id        bigint not null references operator,
    id                 bigint generated always as identity,
    rider_id           bigint not null,
    vehicle_id         bigint not null,
    model_id           bigint not null,
    zone_id            bigint not null,
    status             text not null check (status in (
                           'AWAITING_PAYMENT', 'UPCOMING', 'ACTIVE', 'ENDED', 'CANCELLED', 'NO_SHOW', 'UNPAID')),
    starts_at          timestamptz not null,
    ends_at            timestamptz not null,
    currency           text not null check (currency ~ '^[A-Z]{3}$'),
    -- What was agreed: rental.model.BookingTerms.
    terms              jsonb not null,
    payment_method_id  text not null,
    requested_at       timestamptz not null,
    -- Until when an unpaid one keeps the vehicle.
    hold_until         timestamptz,
    confirmed_at       timestamptz,
    picked_up_at       timestamptz,
    returned_at        timestamptz,
    -- When it was over, in whatever way.
    closed_at          timestamptz,
    -- Why it was over, in one stable word.
    outcome            text,
    -- What was ordered of the vehicle and not settled yet, and since when.
    order_kind         text check (order_kind in ('PICK_UP', 'RETURN', 'LOCK', 'UNLOCK')),
    command_id         bigint,
    ordered_at         timestamptz,
    start_odometer_m   bigint,
    end_odometer_m     bigint,
    start_energy_pct   smallint check (start_energy_pct between 0 and 100),
    end_energy_pct     smallint check (end_energy_pct between 0 and 100),
    end_lat            double precision,
    end_lon            double precision,
    -- Whether the vehicle said that it locked at the return.
    lock_confirmed     boolean,
    lock_refused_at    timestamptz,
    deposit_minor      bigint not null default 0 check (deposit_minor >= 0),
    deposit_status     text not null check (deposit_status in (
                           'NONE', 'DUE', 'ASKED', 'HELD', 'REFUSED', 'ENDING', 'RELEASED', 'CAPTURED')),
    deposit_captured_minor bigint not null default 0 check (deposit_captured_minor between 0 and deposit_minor),
    -- When the deposit is let go unless staff claim some of it.
    inspect_until      timestamptz,
    -- What the rider was told already: words of rental.model.Notice.
    told               text[] not null default '{}',
    -- When the worker looks at it next; null: there is nothing more to do.
    next_at            timestamptz,
    primary key (operator_id, id),
    foreign key (operator_id, rider_id) references rider (operator_id, id),
    foreign key (operator_id, vehicle_id) references vehicle (operator_id, id),
    foreign key (operator_id, model_id) references vehicle_model (operator_id, id),
    foreign key (operator_id, zone_id) references rental_zone (operator_id, id),
    check (starts_at < ends_at),
    check ((status = 'AWAITING_PAYMENT') <= (hold_until is not null)),
    check ((status in ('ENDED', 'CANCELLED', 'NO_SHOW', 'UNPAID')) = (closed_at is not null)),
    check ((status in ('ACTIVE', 'ENDED')) <= (picked_up_at is not null)),
    check ((status = 'ENDED') = (returned_at is not null)),
    check ((order_kind is null) = (ordered_at is null)),
    check (picked_up_at <= returned_at)
);
create index booking_rider on booking (operator_id, rider_id, starts_at desc, id desc);
create index booking_vehicle on booking (operator_id, vehicle_id, starts_at desc);
create index booking_zone on booking (operator_id, zone_id, starts_at desc, id desc);
create index booking_newest on booking (operator_id, starts_at desc, id desc);
create index booking_due on booking (next_at) where next_at is not null;
create index booking_ordered on booking (ordered_at) where order_kind is not null;
-- One vehicle is out with one rider.
create unique index booking_active on booking (operator_id, vehicle_id) where status = 'ACTIVE';

create table booking_event (
    operator_id  bigint not null,
    booking_id   bigint not null,
    nr           int not null,
    kind         text not null,
    at           timestamptz not null,
    actor        text not null,
    data         jsonb not null default '{}',
    primary key (operator_id, booking_id, nr),
    foreign key (operator_id, booking_id) references booking (operator_id, id)
);

-- What a booking was asked for, once for its price, each extension, what came up at its end, and each claim of staff.
create table booking_charge (
    operator_id            bigint not null references operator,
    id                     bigint generated always as identity,
    booking_id             bigint not null,
    kind                   text not null check (kind in ('BOOKING', 'EXTENSION', 'SETTLEMENT', 'CLAIM')),
    status                 text not null check (status in ('PENDING', 'PAID', 'FAILED')),
    currency               text not null check (currency ~ '^[A-Z]{3}$'),
    lines                  jsonb not null,
    taxes                  jsonb not null,
    total_minor            bigint not null check (total_minor >= 0),
    tax_minor              bigint not null check (tax_minor between 0 and total_minor),
    charged_bonus_minor    bigint not null check (charged_bonus_minor >= 0),
    charged_balance_minor  bigint not null check (charged_balance_minor >= 0),
    charged_card_minor     bigint not null default 0 check (charged_card_minor >= 0),
    -- What the card is still asked for: it becomes card or debt; of BOOKING and EXTENSION, if unpaid, all is given back.
    card_pending_minor     bigint not null default 0 check (card_pending_minor >= 0),
    debt_minor             bigint not null default 0 check (debt_minor >= 0),
    -- The end that an EXTENSION pays for, and the one before it.
    ends_at                timestamptz,
    ended_at_before        timestamptz,
    code                   text,
    reason                 text,
    actor                  text not null,
    -- What the caller calls it, so that a claim is made once.
    key                    text,
    opened_at              timestamptz not null,
    settled_at             timestamptz,
    primary key (operator_id, id),
    unique (operator_id, actor, key),
    foreign key (operator_id, booking_id) references booking (operator_id, id),
    check ((status = 'PENDING') = (settled_at is null)),
    check ((status = 'PENDING') = (card_pending_minor > 0)),
    check ((kind = 'EXTENSION') = (ends_at is not null) and (kind = 'EXTENSION') = (ended_at_before is not null)),
    check (status = 'FAILED' or total_minor =
           charged_bonus_minor + charged_balance_minor + charged_card_minor + card_pending_minor + debt_minor),
    check (status <> 'FAILED'
           or charged_bonus_minor + charged_balance_minor + charged_card_minor + debt_minor = 0)
);
create unique index booking_charge_once on booking_charge (operator_id, booking_id, kind)
    where kind in ('BOOKING', 'SETTLEMENT') and status <> 'FAILED';
-- Who extends while a card is asked waits for it.
create unique index booking_charge_extending on booking_charge (operator_id, booking_id)
    where kind = 'EXTENSION' and status = 'PENDING';
create index booking_charge_of on booking_charge (operator_id, booking_id, id);

create table booking_refund (
    operator_id         bigint not null references operator,
    id                  bigint generated always as identity,
    booking_id          bigint not null,
    charge_id           bigint not null,
    kind                text not null check (kind in ('CANCELLED', 'EARLY_RETURN', 'STAFF', 'TOO_LATE')),
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
    foreign key (operator_id, booking_id) references booking (operator_id, id),
    foreign key (operator_id, charge_id) references booking_charge (operator_id, id),
    check (amount_minor = bonus_minor + balance_minor + card_minor + debt_minor),
    check (amount_minor = to_bonus_minor + to_balance_minor + to_debt_minor + to_card_minor + card_pending_minor),
    check (to_bonus_minor = bonus_minor)
);
create index booking_refund_of on booking_refund (operator_id, booking_id, id);
create index booking_refund_charge on booking_refund (operator_id, charge_id);

-- Never more than was charged, whoever refunds at the same time: the charge's row is locked first.
create function booking_refund_limit() returns trigger language plpgsql as $$
declare
    charged bigint;
    refunded bigint;
begin
    select total_minor into charged from booking_charge
     where operator_id = new.operator_id and id = new.charge_id for no key update;
    select coalesce(sum(amount_minor), 0) into refunded from booking_refund
     where operator_id = new.operator_id and charge_id = new.charge_id;
    if refunded + new.amount_minor > charged then
        raise exception 'charge % of % would be refunded %', new.charge_id, charged, refunded + new.amount_minor
            using errcode = 'check_violation';
    end if;
    return new;
end $$;
create trigger booking_refund_limit before insert on booking_refund
    for each row execute function booking_refund_limit();

-- Add-ons of which there are so many, for as long as a booking has them.
create table booking_addon (
    operator_id  bigint not null,
    booking_id   bigint not null,
    addon_id     bigint not null,
    during       tstzrange not null,
    primary key (operator_id, booking_id, addon_id),
    foreign key (operator_id, booking_id) references booking (operator_id, id),
    foreign key (operator_id, addon_id) references rental_addon (operator_id, id)
);
create index booking_addon_during on booking_addon using gist (operator_id, addon_id, during);

create table booking_image (
    operator_id   bigint not null,
    id            bigint generated always as identity,
    booking_id    bigint not null,
    -- Taken before the vehicle was driven off, or after it was brought back.
    taken         text not null check (taken in ('BEFORE', 'AFTER')),
    blob_key      text not null unique,
    content_type  text not null,
    bytes         bigint not null,
    faults        text[] not null default '{}',
    digest        bytea not null check (length(digest) = 32),
    at            timestamptz not null,
    primary key (operator_id, id),
    foreign key (operator_id, booking_id) references booking (operator_id, id)
);
create unique index booking_image_digest on booking_image (operator_id, digest, booking_id, taken);
create index booking_image_booking on booking_image (operator_id, booking_id);
create index booking_image_at on booking_image (operator_id, at);

alter table damage_report add column booking_id bigint;
create index damage_report_booking on damage_report (operator_id, booking_id) where booking_id is not null;

-- What is known of a rider's right to drive: seen by staff or told by the operator's own system.
create table rider_licence (
    operator_id  bigint not null,
    rider_id     bigint not null,
    born_on      date,
    -- Categories such as 'B', 'AM'.
    categories   text[] not null default '{}',
    expires_on   date,
    checked_by   text not null,
    checked_at   timestamptz not null,
    primary key (operator_id, rider_id),
    foreign key (operator_id, rider_id) references rider (operator_id, id)
);

-- Deposits of riders who pay from their wallet. Validated by 0051, as are the purposes and kinds below.
alter table ledger_account drop constraint ledger_account_kind_check;
alter table ledger_account add constraint ledger_account_kind_check check (kind in (
    'RIDER_BALANCE', 'RIDER_BONUS', 'RIDER_DEBT', 'RIDER_IN_TRANSIT', 'RIDER_DEPOSIT',
    'REVENUE', 'TAX', 'PROVIDER_CLEARING', 'ADJUSTMENTS', 'CHARGEBACKS')) not valid;
alter table ledger_account add constraint ledger_account_deposit
    check (kind <> 'RIDER_DEPOSIT' or balance_minor >= 0) not valid;
alter table card_payment drop constraint card_payment_purpose_check;
alter table card_payment add constraint card_payment_purpose_check check (purpose in (
    'RIDE', 'TOP_UP', 'AUTO_TOP_UP', 'DEBT', 'SUBSCRIPTION', 'BOOKING', 'BOOKING_EXTRA', 'DEPOSIT')) not valid;
create unique index card_payment_booking on card_payment (operator_id, cause) where purpose = 'BOOKING';
alter table receipt drop constraint receipt_kind_check;
alter table receipt add constraint receipt_kind_check check (kind in (
    'RIDE', 'FINE', 'CREDIT_NOTE', 'SUBSCRIPTION', 'RESERVATION', 'BOOKING')) not valid;
