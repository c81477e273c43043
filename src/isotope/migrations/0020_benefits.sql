-- What makes rides cheaper: packages, discount groups, promo codes and referral codes.

create table package (
    operator_id  bigint not null references operator,
    id           bigint generated always as identity,
    ref          text not null,
    title        text not null,
    -- benefits.model.PackageSpec
    spec         jsonb not null,
    retired_at   timestamptz,
    primary key (operator_id, id),
    unique (operator_id, ref)
);

create table discount_group (
    operator_id  bigint not null references operator,
    id           bigint generated always as identity,
    ref          text not null,
    title        text not null,
    -- benefits.model.GroupSpec
    spec         jsonb not null,
    retired_at   timestamptz,
    primary key (operator_id, id),
    unique (operator_id, ref)
);

-- Who put whom into which group, and who ended it: rows are never deleted, the one that is not ended counts.
create table rider_discount_group (
    operator_id  bigint not null,
    id           bigint generated always as identity,
    rider_id     bigint not null,
    group_id     bigint not null,
    -- null: until it is ended.
    valid_until  timestamptz,
    set_by       text not null,
    set_at       timestamptz not null,
    ended_by     text,
    ended_at     timestamptz,
    primary key (operator_id, id),
    foreign key (operator_id, rider_id) references rider (operator_id, id),
    foreign key (operator_id, group_id) references discount_group (operator_id, id),
    check ((ended_at is null) = (ended_by is null))
);
create unique index rider_discount_group_now on rider_discount_group (operator_id, rider_id) where ended_at is null;

create table promo_code (
    operator_id  bigint not null references operator,
    id           bigint generated always as identity,
    -- As benefits.rules.normal_code leaves it.
    code         text not null check (code ~ '^[A-Z0-9]{4,32}$'),
    title        text not null,
    -- benefits.model.PromoSpec
    spec         jsonb not null,
    redeemed     int not null default 0 check (redeemed >= 0),
    -- null: no limit. Less never than nothing, however many riders are at it at once.
    remaining    int check (remaining >= 0),
    -- The folder's codes are retired by it, those of staff are not.
    from_folder  boolean not null,
    made_by      text not null,
    made_at      timestamptz not null,
    retired_by   text,
    retired_at   timestamptz,
    primary key (operator_id, id),
    unique (operator_id, code),
    check ((retired_at is null) = (retired_by is null))
);

create table promo_redemption (
    operator_id    bigint not null,
    id             bigint generated always as identity,
    promo_code_id  bigint not null,
    rider_id       bigint not null,
    at             timestamptz not null,
    -- Of a discount on rides; null where bonus was given.
    pct            smallint check (pct between 1 and 100),
    rides          int check (rides > 0),
    rides_left     int check (rides_left between 0 and rides),
    expires_at     timestamptz,
    primary key (operator_id, id),
    -- Once a rider.
    unique (operator_id, rider_id, promo_code_id),
    foreign key (operator_id, promo_code_id) references promo_code (operator_id, id),
    foreign key (operator_id, rider_id) references rider (operator_id, id),
    check ((pct is null) = (rides is null) and (pct is null) = (rides_left is null))
);
create index promo_redemption_open on promo_redemption (operator_id, rider_id) where rides_left > 0;

-- The discounted ride that a ride took; deleted when the ride came to nothing.
create table ride_promo (
    operator_id    bigint not null,
    ride_id        bigint not null,
    redemption_id  bigint not null,
    at             timestamptz not null,
    primary key (operator_id, ride_id),
    foreign key (operator_id, ride_id) references ride (operator_id, id),
    foreign key (operator_id, redemption_id) references promo_redemption (operator_id, id)
);

create table referral_code (
    operator_id  bigint not null,
    rider_id     bigint not null,
    code         text not null check (code ~ '^[A-Z0-9]{4,32}$'),
    -- How many have redeemed it.
    referees     int not null default 0 check (referees >= 0),
    made_at      timestamptz not null,
    primary key (operator_id, rider_id),
    unique (operator_id, code),
    foreign key (operator_id, rider_id) references rider (operator_id, id)
);

-- One a referee, for ever. What the referrer gets was promised at that time and is given once, after a paid ride.
create table referral (
    operator_id    bigint not null,
    referee_id     bigint not null,
    referrer_id    bigint not null,
    at             timestamptz not null,
    referrer_minor bigint not null check (referrer_minor >= 0),
    -- The referee's first paid ride.
    ride_id        bigint,
    -- When the referrer had it; also set where it came to nothing because the referrer is gone.
    settled_at     timestamptz,
    primary key (operator_id, referee_id),
    foreign key (operator_id, referee_id) references rider (operator_id, id),
    foreign key (operator_id, referrer_id) references rider (operator_id, id),
    foreign key (operator_id, ride_id) references ride (operator_id, id),
    check (referee_id <> referrer_id),
    check (settled_at is null or ride_id is not null)
);

-- Codes that were none: counted for a while, so that nobody tries them all.
create table code_try (
    operator_id  bigint not null,
    id           bigint generated always as identity,
    rider_id     bigint not null,
    address      inet,
    at           timestamptz not null,
    primary key (operator_id, id),
    foreign key (operator_id, rider_id) references rider (operator_id, id)
);
create index code_try_rider on code_try (operator_id, rider_id, at);
create index code_try_address on code_try (operator_id, address, at) where address is not null;
create index code_try_at on code_try (at);
