-- Cards, payments by card, and the calls to the provider that they are made of. A call is stored before it is sent, so
-- that no money moves at the provider of which nothing is known here.

create table card_customer (
    operator_id   bigint not null references operator,
    rider_id      bigint not null,
    provider      text not null,
    customer_ref  text not null,
    primary key (operator_id, rider_id, provider),
    foreign key (operator_id, rider_id) references rider (operator_id, id)
);

create table card (
    operator_id   bigint not null references operator,
    id            bigint generated always as identity,
    rider_id      bigint not null,
    provider      text not null,
    customer_ref  text not null,
    card_ref      text not null,
    brand         text not null check (length(brand) <= 40),
    -- All that we ever know of the number.
    last4         text not null check (last4 ~ '^[0-9]{4}$'),
    exp_month     smallint not null check (exp_month between 1 and 12),
    exp_year      smallint not null check (exp_year between 2000 and 2200),
    status        text not null default 'ACTIVE' check (status in ('ACTIVE', 'REMOVED', 'LOST')),
    created_at    timestamptz not null,
    primary key (operator_id, id),
    unique (operator_id, provider, card_ref),
    foreign key (operator_id, rider_id) references rider (operator_id, id)
);
create index card_rider on card (operator_id, rider_id, id desc);

-- With what a rider pays, by flow; none: the wallet.
create table payment_choice (
    operator_id  bigint not null references operator,
    rider_id     bigint not null,
    flow         text not null check (flow in ('SHARING', 'TAXI', 'RENTAL')),
    -- 'wallet', 'cash', 'card_12'.
    method_id    text not null check (method_id ~ '^(wallet|cash|card_[0-9]+)$'),
    primary key (operator_id, rider_id, flow),
    foreign key (operator_id, rider_id) references rider (operator_id, id)
);

-- A rider on the way to the provider's page and back.
create table card_setup (
    operator_id        bigint not null references operator,
    id                 bigint generated always as identity,
    rider_id           bigint not null,
    provider           text not null,
    setup_ref          text,
    return_token_hash  bytea not null unique,
    return_url         text,
    status             text not null default 'PENDING' check (status in ('PENDING', 'DONE', 'FAILED', 'EXPIRED')),
    card_id            bigint,
    created_at         timestamptz not null,
    expires_at         timestamptz not null,
    -- When the provider is asked next what became of it.
    next_at            timestamptz,
    attempts           int not null default 0,
    primary key (operator_id, id),
    foreign key (operator_id, rider_id) references rider (operator_id, id),
    foreign key (operator_id, card_id) references card (operator_id, id)
);
create unique index card_setup_ref on card_setup (operator_id, provider, setup_ref) where setup_ref is not null;
create index card_setup_rider on card_setup (operator_id, rider_id, id desc);
create index card_setup_due on card_setup (next_at) where status = 'PENDING';

create table card_payment (
    operator_id     bigint not null references operator,
    id              bigint generated always as identity,
    rider_id        bigint not null,
    card_id         bigint not null,
    purpose         text not null check (purpose in ('RIDE', 'TOP_UP', 'AUTO_TOP_UP', 'DEBT')),
    -- What it pays for: 'ride:12', 'top_up:rider:7:<key>', 'debt:4'.
    cause           text not null check (length(cause) between 1 and 500),
    currency        text not null check (currency ~ '^[A-Z]{3}$'),
    amount_minor    bigint not null check (amount_minor > 0),
    status          text not null default 'AUTHORISING' check (status in (
                        'AUTHORISING', 'ACTION_REQUIRED', 'AUTHORISED', 'CAPTURED', 'RELEASED', 'FAILED')),
    provider_ref    text,
    captured_minor  bigint not null default 0 check (captured_minor between 0 and amount_minor),
    refunded_minor  bigint not null default 0 check (refunded_minor between 0 and captured_minor),
    code            text,
    -- Whether the rider is there to confirm, where they come back to, and where they are to go: kept, because a call
    -- that is sent again must say the same.
    on_session      boolean not null default false,
    return_url      text not null default '',
    redirect_url    text,
    actor           text not null,
    created_at      timestamptz not null,
    primary key (operator_id, id),
    foreign key (operator_id, rider_id) references rider (operator_id, id),
    foreign key (operator_id, card_id) references card (operator_id, id),
    check ((status = 'CAPTURED') = (captured_minor > 0)),
    check (status not in ('AUTHORISED', 'CAPTURED', 'ACTION_REQUIRED') or provider_ref is not null)
);
create index card_payment_cause on card_payment (operator_id, cause, id);
create index card_payment_rider on card_payment (operator_id, rider_id, id desc);
create unique index card_payment_ref on card_payment (operator_id, provider_ref) where provider_ref is not null;
-- Money that comes into a wallet comes once for a cause. A ride may need a second payment when it costs more than was reserved.
create unique index card_payment_once on card_payment (operator_id, cause) where purpose in ('TOP_UP', 'AUTO_TOP_UP', 'DEBT');

create table card_call (
    operator_id   bigint not null references operator,
    id            bigint generated always as identity,
    payment_id    bigint not null,
    kind          text not null check (kind in ('AUTHORISE', 'CHARGE', 'CAPTURE', 'RELEASE', 'REFUND')),
    amount_minor  bigint not null check (amount_minor > 0),
    -- The provider's idempotency key; random, because a restored or copied database counts ids anew.
    key           text not null unique,
    cause         text not null check (length(cause) between 1 and 500),
    actor         text not null,
    status        text not null default 'OPEN' check (status in ('OPEN', 'DONE', 'REFUSED')),
    -- What was really reserved, taken or given back, and under which reference.
    done_minor    bigint check (done_minor >= 0),
    provider_ref  text,
    code          text,
    created_at    timestamptz not null,
    answered_at   timestamptz,
    -- When the worker looks what became of it, should nobody else.
    next_at       timestamptz not null,
    attempts      int not null default 0,
    primary key (operator_id, id),
    foreign key (operator_id, payment_id) references card_payment (operator_id, id),
    check ((status = 'OPEN') = (answered_at is null))
);
-- One at a time: what a payment's next call may be depends on what became of the last.
create unique index card_call_open on card_call (operator_id, payment_id) where status = 'OPEN';
-- Money is reserved once, taken once, let go once.
create unique index card_call_once on card_call (operator_id, payment_id, kind) where kind <> 'REFUND' and status <> 'REFUSED';
create unique index card_call_refund on card_call (operator_id, payment_id, cause) where kind = 'REFUND' and status <> 'REFUSED';
create index card_call_payment on card_call (operator_id, payment_id, id);
create index card_call_cause on card_call (operator_id, cause) where kind = 'REFUND';
create index card_call_due on card_call (next_at) where status = 'OPEN';
create index card_call_answered on card_call (operator_id, answered_at) where status = 'DONE';

-- Webhooks that were taken, so that one that comes twice is known.
create table card_event (
    operator_id  bigint references operator,
    provider     text not null,
    event_id     text not null check (length(event_id) between 1 and 255),
    kind         text not null,
    type         text not null,
    ref          text not null,
    payment_ref  text,
    received_at  timestamptz not null,
    done_at      timestamptz,
    primary key (provider, event_id)
);
create index card_event_received on card_event (received_at);

create table card_dispute (
    operator_id   bigint not null references operator,
    id            bigint generated always as identity,
    payment_id    bigint not null,
    provider_ref  text not null,
    status        text not null check (status in ('OPEN', 'WON', 'LOST')),
    amount_minor  bigint not null check (amount_minor > 0),
    opened_at     timestamptz not null,
    ended_at      timestamptz,
    primary key (operator_id, id),
    unique (operator_id, provider_ref),
    foreign key (operator_id, payment_id) references card_payment (operator_id, id)
);

-- A rider's debt that is to be taken from a card: tried `step` times, next at `next_at`.
create table debt_collection (
    operator_id  bigint not null references operator,
    rider_id     bigint not null,
    currency     text not null,
    step         int not null default 0 check (step >= 0),
    since_at     timestamptz not null,
    -- null: given up, or waiting for a card.
    next_at      timestamptz,
    primary key (operator_id, rider_id, currency),
    foreign key (operator_id, rider_id) references rider (operator_id, id)
);
create index debt_collection_due on debt_collection (next_at) where next_at is not null;

-- Money on its way between a rider's card and us: below zero it is awaited, above it goes back. And what banks took back.
alter table ledger_account drop constraint ledger_account_kind_check;
alter table ledger_account add constraint ledger_account_kind_check check (kind in (
    'RIDER_BALANCE', 'RIDER_BONUS', 'RIDER_DEBT', 'RIDER_IN_TRANSIT',
    'REVENUE', 'TAX', 'PROVIDER_CLEARING', 'ADJUSTMENTS', 'CHARGEBACKS')) not valid;

-- Rides wait for a card before they wait for a vehicle.
alter table ride drop constraint ride_status_check;
alter table ride add constraint ride_status_check check (status in (
    'AUTHORISING', 'UNLOCKING', 'ACTIVE', 'PAUSING', 'PAUSED', 'UNPAUSING', 'ENDING', 'ENDED', 'FAILED')) not valid;

-- What a card paid, and what it is still being asked for; that becomes card or debt.
alter table ride add column charged_card_minor bigint not null default 0 check (charged_card_minor >= 0);
alter table ride add column card_pending_minor bigint not null default 0 check (card_pending_minor >= 0);
alter table ride drop constraint ride_check2;
alter table ride add constraint ride_paid check (
    total_minor is null
    or total_minor = charged_bonus_minor + charged_balance_minor + charged_card_minor + card_pending_minor + debt_minor) not valid;
