-- On what terms a ride may end (sharing.model.EndPlan), kept while its vehicle is waited for.
alter table ride add column end_plan jsonb;
-- Bonus that was given for where it ended.
alter table ride add column earned_bonus_minor bigint not null default 0 check (earned_bonus_minor >= 0);

-- What a rider's rides of one tariff cost on a day of the operator: for tariffs with a cap a day.
create table rider_day_spend (
    operator_id  bigint not null,
    rider_id     bigint not null,
    tariff_id    bigint not null,
    day          date not null,
    spent_minor  bigint not null check (spent_minor >= 0),
    primary key (operator_id, rider_id, tariff_id, day),
    foreign key (operator_id, rider_id) references rider (operator_id, id),
    foreign key (operator_id, tariff_id) references tariff (operator_id, id)
);

-- Staff, or the second look at a finished ride: what stands on the credit note.
alter table ride_refund add column code text not null default 'refund'
    check (code in ('refund', 'failed_ride', 'late_report'));
