-- Where riders are picked up and brought to: each operator's own places.

create extension if not exists pg_trgm;
create extension if not exists btree_gin;

-- A file that places came from; importing it again replaces them.
create table place_source (
    operator_id  bigint not null references operator,
    name         text not null check (name ~ '^[a-z0-9][a-z0-9_.-]{0,60}$'),
    -- Whom to thank for the data, as its licence asks.
    attribution  text not null,
    -- Which import wrote last; places of an earlier one are gone when it has ended.
    run          int not null,
    places       int not null,
    imported_at  timestamptz not null,
    -- The middle of its places: suggestions begin there.
    lat          double precision check (lat between -90 and 90),
    lon          double precision check (lon between -180 and 180),
    primary key (operator_id, name),
    check ((lat is null) = (lon is null))
);

create table place (
    operator_id  bigint not null,
    source       text not null,
    -- Its name in the file, such as n123.
    ref          text not null,
    kind         text not null check (kind in ('ADDRESS', 'STREET', 'POI')),
    lat          double precision not null check (lat between -90 and 90),
    lon          double precision not null check (lon between -180 and 180),
    -- Language to title and to subtitle; the empty language is what is written on the spot.
    titles       jsonb not null,
    subtitles    jsonb not null,
    -- What is searched: every name without accents and case, |between|bars|. Empty for an address, which its street finds.
    folded       text not null default '',
    -- The same of the towns it is in.
    area         text not null default '',
    -- How likely it is meant, 0 to 1.
    weight       real not null check (weight between 0 and 1),
    -- Of an address: its street, its number folded, and which whole numbers it spans.
    street_ref   text,
    number       text,
    number_from  int,
    number_to    int,
    run          int not null,
    primary key (operator_id, source, ref),
    foreign key (operator_id, source) references place_source (operator_id, name) on delete cascade,
    check ((kind = 'ADDRESS') = (street_ref is not null and number is not null)),
    check ((kind = 'ADDRESS') = (folded = '')),
    check ((number_from is null) = (number_to is null) and number_from <= number_to)
);
create index place_folded on place using gin (operator_id, folded gin_trgm_ops) with (fastupdate = off)
    where kind <> 'ADDRESS';
create index place_number on place (operator_id, source, street_ref, number_from) where kind = 'ADDRESS';
create index place_spot on place using gist (operator_id, point(lon, lat));
create index place_run on place (operator_id, source, run);
