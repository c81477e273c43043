-- Pictures as evidence, signed links, ratings, damage reports.

-- What links to pictures are signed with. Two random UUIDs: 244 random bits.
alter table operator add column file_key bytea not null
    default decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex')
    check (length(file_key) = 32);

-- Why a picture is no evidence (`too_small`, ...), and the SHA-256 of the file that was sent; null before 0025.
alter table ride_image add column faults text[] not null default '{}';
alter table ride_image add column digest bytea check (length(digest) = 32);
-- One ride has a file once; another ride with the same file is found.
create unique index ride_image_digest on ride_image (operator_id, digest, ride_id) where digest is not null;
create index ride_image_at on ride_image (operator_id, at);

-- Keys under which something is being stored. A process that dies leaves its key here, and the worker looks.
create table blob_pending (
    operator_id  bigint not null references operator,
    blob_key     text not null,
    at           timestamptz not null,
    primary key (operator_id, blob_key)
);
create index blob_pending_at on blob_pending (at);

create table ride_rating (
    operator_id  bigint not null,
    ride_id      bigint not null,
    rider_id     bigint not null,
    rating       smallint not null check (rating between 1 and 5),
    reasons      text[] not null default '{}',
    comment      text not null default '',
    at           timestamptz not null,
    primary key (operator_id, ride_id),
    foreign key (operator_id, ride_id) references ride (operator_id, id)
);
create index ride_rating_rider on ride_rating (operator_id, rider_id);

create table damage_report (
    operator_id  bigint not null,
    id           bigint generated always as identity,
    rider_id     bigint not null,
    vehicle_id   bigint not null,
    -- The ride on which it was seen; null: the rider only stood beside it.
    ride_id      bigint,
    category     text not null,
    description  text not null default '',
    status       text not null check (status in ('IN_REVIEW', 'APPROVED', 'REJECTED')),
    at           timestamptz not null,
    primary key (operator_id, id),
    foreign key (operator_id, rider_id) references rider (operator_id, id),
    foreign key (operator_id, vehicle_id) references vehicle (operator_id, id),
    foreign key (operator_id, ride_id) references ride (operator_id, id)
);
create index damage_report_rider on damage_report (operator_id, rider_id, at);
create index damage_report_vehicle on damage_report (operator_id, vehicle_id, id desc);
create index damage_report_ride on damage_report (operator_id, ride_id) where ride_id is not null;

create table damage_image (
    operator_id   bigint not null,
    id            bigint generated always as identity,
    damage_id     bigint not null,
    blob_key      text not null unique,
    content_type  text not null,
    bytes         bigint not null,
    faults        text[] not null default '{}',
    digest        bytea not null check (length(digest) = 32),
    at            timestamptz not null,
    primary key (operator_id, id),
    foreign key (operator_id, damage_id) references damage_report (operator_id, id)
);
create unique index damage_image_digest on damage_image (operator_id, digest, damage_id);
create index damage_image_damage on damage_image (operator_id, damage_id);
create index damage_image_at on damage_image (operator_id, at);
