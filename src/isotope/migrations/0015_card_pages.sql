-- What riders do with cards: pages to save one, letting one go, and what the provider tells by itself.

-- When the provider is told next that a removed card is used no more; null: it knows, or never need.
alter table card add column forget_at timestamptz;
alter table card add column forget_attempts int not null default 0;
create index card_forget on card (forget_at) where forget_at is not null;

create index card_setup_open on card_setup (operator_id, rider_id) where status = 'PENDING';
create index card_setup_created on card_setup (created_at);
create index card_payment_open on card_payment (operator_id, card_id)
    where status in ('AUTHORISING', 'ACTION_REQUIRED', 'AUTHORISED');

-- A webhook names something of the provider's and no operator.
create index card_setup_event on card_setup (provider, setup_ref) where status = 'PENDING';
create index card_payment_event on card_payment (provider_ref) where provider_ref is not null;
