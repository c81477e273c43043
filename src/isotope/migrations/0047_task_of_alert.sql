-- The task that came with an alert, for lists of alerts.
create index staff_task_alert on staff_task (operator_id, alert_id) where alert_id is not null;
