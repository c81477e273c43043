-- Whom a rider brought: counted when they look at their code.
create index referral_referrer on referral (operator_id, referrer_id);
