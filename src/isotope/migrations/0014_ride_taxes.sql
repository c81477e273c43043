-- The tax of a ride's bill, rate by rate (pricing.model.TaxLine). Null for rides that were billed with a single rate.
alter table ride add column taxes jsonb;
