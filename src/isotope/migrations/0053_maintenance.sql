-- Planned work that is to be done, in the order of its dates.
create index staff_task_planned on staff_task (operator_id, starts_at, id) where stage = 'TODO' and starts_at is not null;
