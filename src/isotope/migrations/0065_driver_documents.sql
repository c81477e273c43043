-- Pictures of drivers' documents, several of one: its pages, or both sides.
alter table driver_document drop column blob_key;
alter table driver_document drop column content_type;
alter table driver_document drop column bytes;
-- Since when it counts no more; its pictures are forgotten some time after.
alter table driver_document add column settled_at timestamptz;
alter table driver_document add constraint driver_document_settled
    check ((status in ('REJECTED', 'REPLACED')) = (settled_at is not null));

create table driver_document_image (
    operator_id   bigint not null,
    id            bigint generated always as identity,
    document_id   bigint not null,
    blob_key      text not null unique,
    content_type  text not null,
    bytes         bigint not null,
    faults        text[] not null default '{}',
    digest        bytea check (length(digest) = 32),
    at            timestamptz not null,
    primary key (operator_id, id),
    foreign key (operator_id, document_id) references driver_document (operator_id, id)
);
create unique index driver_document_image_digest on driver_document_image (operator_id, digest, document_id);
create index driver_document_image_document on driver_document_image (operator_id, document_id, id);

-- What waits for staff, the longest first.
create index driver_document_pending on driver_document (operator_id, id) where status = 'PENDING';
-- One of a kind waits.
create unique index driver_document_waits on driver_document (operator_id, driver_id, kind) where status = 'PENDING';
-- Whose pictures are to be forgotten.
create index driver_document_settled_at on driver_document (operator_id, settled_at) where settled_at is not null;

-- What a driver earned in a day, a week, a month.
create index trip_earned on trip (operator_id, driver_id, closed_at) where closed_at is not null and total_minor > 0;
