-- Subscriptions: plans as provisioned, what riders bought, each period that was paid, and what rides used of it.

create table subscription_plan (
    operator_id  bigint not null references operator,
    id           bigint generated always as identity,
    ref          text not null,
    title        text not null,
    -- subscriptions.model.PlanSpec
    spec         jsonb not null,
    -- Rises whenever title or spec changes: riders are told of the terms of a version before it counts for them.
    version      int not null default 1 check (version > 0),
    retired_at   timestamptz,
    primary key (operator_id, id),
    unique (operator_id, ref)
);

create table subscription (
    operator_id   bigint not null references operator,
    id            bigint generated always as identity,
    rider_id      bigint not null,
    plan_id       bigint not null,
    status        text not null check (status in ('PENDING', 'ACTIVE', 'PAST_DUE', 'ENDED', 'FAILED')),
    -- What pays; null: the wallet.
    card_id       bigint,
    renews        boolean not null,
    requested_at  timestamptz not null,
    -- When the first period was paid.
    bought_at     timestamptz,
    -- The period that was paid last.
    period_nr     int not null default 0 check (period_nr >= 0),
    period_start  timestamptz,
    period_end    timestamptz,
    -- When the worker looks at it next; null: a card is being asked, or there is nothing more to do.
    next_at       timestamptz,
    -- Renewals of the period to come that failed, and why the last payment did.
    tries         int not null default 0 check (tries >= 0),
    failed_code   text,
    -- The newest version of the plan that the rider was told of, and since when they know.
    told_version  int not null,
    told_at       timestamptz not null,
    cancelled_at  timestamptz,
    ended_at      timestamptz,
    primary key (operator_id, id),
    foreign key (operator_id, rider_id) references rider (operator_id, id),
    foreign key (operator_id, plan_id) references subscription_plan (operator_id, id),
    foreign key (operator_id, card_id) references card (operator_id, id),
    check ((status in ('PENDING', 'FAILED')) = (bought_at is null)),
    check ((bought_at is null) = (period_nr = 0)),
    check ((bought_at is null) = (period_start is null) and (bought_at is null) = (period_end is null)),
    check (period_start < period_end),
    check ((status in ('ENDED', 'FAILED')) = (ended_at is not null)),
    check (ended_at is null or next_at is null)
);
-- One of a plan at a time, whoever buys at the same moment.
create unique index subscription_live on subscription (operator_id, rider_id, plan_id)
    where status in ('PENDING', 'ACTIVE', 'PAST_DUE');
create index subscription_rider on subscription (operator_id, rider_id, id desc);
create index subscription_due on subscription (next_at) where next_at is not null;
create index subscription_told on subscription (operator_id, plan_id, told_version) where status = 'ACTIVE' and renews;

-- One try to buy one period: its terms, its price, what paid it.
create table subscription_period (
    operator_id            bigint not null references operator,
    id                     bigint generated always as identity,
    subscription_id        bigint not null,
    nr                     int not null check (nr > 0),
    title                  text not null,
    -- The plan as it was sold.
    spec                   jsonb not null,
    status                 text not null check (status in ('PENDING', 'PAID', 'FAILED')),
    currency               text not null check (currency ~ '^[A-Z]{3}$'),
    total_minor            bigint not null check (total_minor > 0),
    tax_minor              bigint not null check (tax_minor between 0 and total_minor),
    charged_bonus_minor    bigint not null check (charged_bonus_minor >= 0),
    charged_balance_minor  bigint not null check (charged_balance_minor >= 0),
    charged_card_minor     bigint not null default 0 check (charged_card_minor >= 0),
    -- What the card is still asked for: then it is paid, or all of it is given back.
    card_pending_minor     bigint not null default 0 check (card_pending_minor >= 0),
    code                   text,
    actor                  text not null,
    opened_at              timestamptz not null,
    settled_at             timestamptz,
    starts_at              timestamptz,
    ends_at                timestamptz,
    primary key (operator_id, id),
    foreign key (operator_id, subscription_id) references subscription (operator_id, id),
    check ((status = 'PENDING') = (settled_at is null)),
    check ((status = 'PENDING') = (card_pending_minor > 0)),
    check ((status = 'PAID') = (starts_at is not null) and (status = 'PAID') = (ends_at is not null)),
    check (starts_at < ends_at),
    check (status = 'FAILED'
           or total_minor = charged_bonus_minor + charged_balance_minor + charged_card_minor + card_pending_minor),
    check (status <> 'FAILED' or charged_bonus_minor + charged_balance_minor + charged_card_minor = 0)
);
-- A period is paid once, whoever renews at the same moment.
create unique index subscription_period_once on subscription_period (operator_id, subscription_id, nr)
    where status <> 'FAILED';
create index subscription_period_of on subscription_period (operator_id, subscription_id, id desc);
create unique index subscription_period_starts on subscription_period (operator_id, subscription_id, starts_at)
    where status = 'PAID';

-- What was used in a window of the limits: a day of a daily plan, the period of another.
create table subscription_use (
    operator_id      bigint not null references operator,
    subscription_id  bigint not null,
    window_start     timestamptz not null,
    unlocks          bigint not null default 0 check (unlocks >= 0),
    ride_min         bigint not null default 0 check (ride_min >= 0),
    pause_min        bigint not null default 0 check (pause_min >= 0),
    km               bigint not null default 0 check (km >= 0),
    limit_unlocks    bigint not null,
    limit_ride_min   bigint not null,
    limit_pause_min  bigint not null,
    limit_km         bigint not null,
    primary key (operator_id, subscription_id, window_start),
    foreign key (operator_id, subscription_id) references subscription (operator_id, id),
    check (unlocks <= limit_unlocks and ride_min <= limit_ride_min and pause_min <= limit_pause_min and km <= limit_km)
);

-- What each ride used, so that a ride counts once and a corrected one gives back.
create table subscription_ride (
    operator_id      bigint not null references operator,
    ride_id          bigint not null,
    subscription_id  bigint not null,
    window_start     timestamptz not null,
    unlocks          bigint not null check (unlocks >= 0),
    ride_min         bigint not null check (ride_min >= 0),
    pause_min        bigint not null check (pause_min >= 0),
    km               bigint not null check (km >= 0),
    used_at          timestamptz not null,
    primary key (operator_id, ride_id),
    foreign key (operator_id, ride_id) references ride (operator_id, id),
    foreign key (operator_id, subscription_id, window_start)
        references subscription_use (operator_id, subscription_id, window_start)
);
create index subscription_ride_of on subscription_ride (operator_id, subscription_id, window_start);

-- Cards pay subscriptions, once for each try at a period; riders get receipts for them. Validated by 0041.
alter table card_payment drop constraint card_payment_purpose_check;
alter table card_payment add constraint card_payment_purpose_check check (purpose in (
    'RIDE', 'TOP_UP', 'AUTO_TOP_UP', 'DEBT', 'SUBSCRIPTION')) not valid;
create unique index card_payment_subscription on card_payment (operator_id, cause) where purpose = 'SUBSCRIPTION';
alter table receipt drop constraint receipt_kind_check;
alter table receipt add constraint receipt_kind_check check (kind in (
    'RIDE', 'FINE', 'SUBSCRIPTION', 'CREDIT_NOTE')) not valid;
