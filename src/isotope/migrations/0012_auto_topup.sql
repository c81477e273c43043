-- Auto top-up: what a rider wants charged when their balance falls below a threshold. And watching a running ride's cost.

create table auto_topup (
    operator_id      bigint not null references operator,
    rider_id         bigint not null,
    currency         text not null check (currency ~ '^[A-Z]{3}$'),
    is_on            boolean not null,
    threshold_minor  bigint not null check (threshold_minor >= 0),
    amount_minor     bigint not null check (amount_minor > 0),
    -- null: the card that pays rides.
    card_id          bigint,
    -- A card said no: nothing is charged until the rider sets it again or tops up by hand.
    suspended_at     timestamptz,
    suspended_code   text,
    changed_at       timestamptz not null,
    primary key (operator_id, rider_id, currency),
    foreign key (operator_id, rider_id) references rider (operator_id, id),
    foreign key (operator_id, card_id) references card (operator_id, id),
    check ((suspended_at is null) = (suspended_code is null))
);

-- Payments that may still bring money into a wallet or pay its debt.
create index card_payment_incoming on card_payment (operator_id, rider_id, purpose)
    where purpose <> 'RIDE' and status in ('AUTHORISING', 'ACTION_REQUIRED', 'AUTHORISED');

-- The look at a ride's money that is to come: an older one that runs late, or twice, has another number and does nothing.
create table ride_watch (
    operator_id  bigint not null,
    ride_id      bigint not null,
    nr           bigint not null check (nr > 0),
    primary key (operator_id, ride_id),
    foreign key (operator_id, ride_id) references ride (operator_id, id)
);

alter table ride_event drop constraint ride_event_kind_check;
alter table ride_event add constraint ride_event_kind_check check (kind in (
    'REQUESTED', 'STARTED', 'PAUSED', 'RESUMED', 'END_REFUSED', 'ENDED', 'FAILED',
    'FUNDS_LOW', 'SLOWED', 'RELEASED')) not valid;
