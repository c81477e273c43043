-- What a final bill was made of beside terms and events (pricing.model.AtEnd), and whether staff look at the end.
alter table ride add column at_end jsonb;
alter table ride add column review_status text check (review_status in ('IN_REVIEW', 'APPROVED', 'REJECTED'));
alter table ride add column review_reasons text[] not null default '{}';

-- Zones that act on vehicles, calls for staff, accepted fines, looks at finished rides. Validated by 0018.
alter table ride_event drop constraint ride_event_kind_check;
alter table ride_event add constraint ride_event_kind_check check (kind in (
    'REQUESTED', 'STARTED', 'PAUSED', 'RESUMED', 'END_REFUSED', 'ENDED', 'FAILED',
    'FUNDS_LOW', 'SLOWED', 'RELEASED', 'ZONE_SLOWED', 'ZONE_STOPPED', 'ZONE_RELEASED',
    'ALERTED', 'FINE_ACCEPTED', 'RECHECKED')) not valid;
