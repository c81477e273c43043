-- Fines that staff put on a ride, and what was given back of rides and fines.

create table ride_fine (
    operator_id            bigint not null references operator,
    id                     bigint generated always as identity,
    ride_id                bigint not null,
    amount_minor           bigint not null check (amount_minor > 0),
    charged_balance_minor  bigint not null check (charged_balance_minor >= 0),
    charged_card_minor     bigint not null default 0 check (charged_card_minor >= 0),
    card_pending_minor     bigint not null default 0 check (card_pending_minor >= 0),
    debt_minor             bigint not null check (debt_minor >= 0),
    reason                 text not null check (length(reason) between 1 and 500),
    actor                  text not null,
    -- What the caller calls it (Idempotency-Key), so that it is done once.
    key                    text not null check (length(key) <= 255),
    at                     timestamptz not null,
    primary key (operator_id, id),
    unique (operator_id, actor, key),
    foreign key (operator_id, ride_id) references ride (operator_id, id),
    constraint ride_fine_paid check (
        amount_minor = charged_balance_minor + charged_card_minor + card_pending_minor + debt_minor)
);
create index ride_fine_ride on ride_fine (operator_id, ride_id, id);

create table ride_refund (
    operator_id         bigint not null references operator,
    id                  bigint generated always as identity,
    ride_id             bigint not null,
    -- null: of the ride's price.
    fine_id             bigint,
    amount_minor        bigint not null check (amount_minor > 0),
    taxes               jsonb not null,
    -- Which parts of what was paid it gives back.
    bonus_minor         bigint not null check (bonus_minor >= 0),
    balance_minor       bigint not null check (balance_minor >= 0),
    card_minor          bigint not null check (card_minor >= 0),
    debt_minor          bigint not null check (debt_minor >= 0),
    -- Where it went: debt that was cancelled, the wallet, the card; and what the card's provider is still asked for,
    -- which becomes one of the two.
    to_bonus_minor      bigint not null check (to_bonus_minor >= 0),
    to_balance_minor    bigint not null check (to_balance_minor >= 0),
    to_debt_minor       bigint not null check (to_debt_minor >= 0),
    to_card_minor       bigint not null default 0 check (to_card_minor >= 0),
    card_pending_minor  bigint not null check (card_pending_minor >= 0),
    reason              text not null check (length(reason) between 1 and 500),
    actor               text not null,
    key                 text not null check (length(key) <= 255),
    at                  timestamptz not null,
    primary key (operator_id, id),
    unique (operator_id, actor, key),
    foreign key (operator_id, ride_id) references ride (operator_id, id),
    foreign key (operator_id, fine_id) references ride_fine (operator_id, id),
    check (amount_minor = bonus_minor + balance_minor + card_minor + debt_minor),
    check (amount_minor = to_bonus_minor + to_balance_minor + to_debt_minor + to_card_minor + card_pending_minor),
    -- Bonus is never paid out.
    check (to_bonus_minor = bonus_minor)
);
create index ride_refund_ride on ride_refund (operator_id, ride_id, id);

-- Never more than was charged, whoever refunds at the same time.
create function ride_refund_guard() returns trigger language plpgsql as $$
declare
    charged bigint;
    refunded numeric;
begin
    if new.fine_id is null then
        select total_minor into charged from ride
         where operator_id = new.operator_id and id = new.ride_id for no key update;
    else
        select amount_minor into charged from ride_fine
         where operator_id = new.operator_id and id = new.fine_id and ride_id = new.ride_id for no key update;
    end if;
    select coalesce(sum(amount_minor), 0) into refunded from ride_refund
     where operator_id = new.operator_id and ride_id = new.ride_id and fine_id is not distinct from new.fine_id;
    if charged is null or refunded + new.amount_minor > charged then
        raise exception 'refunds of ride % would be more than was charged', new.ride_id using errcode = 'check_violation';
    end if;
    return new;
end $$;
create trigger ride_refund_guard before insert on ride_refund for each row execute function ride_refund_guard();

-- Disputes whose end is awaited.
create index card_dispute_open on card_dispute (operator_id, id) where status = 'OPEN';
-- Webhooks about disputes of payments that were not known yet.
create index card_event_dispute on card_event (received_at) where kind = 'DISPUTE' and done_at is null;
