-- Rides whose vehicle has been ordered to do something and has not answered: what the worker looks at instead of a job
-- for each order. The index has a row for as long as the vehicle needs, so it stays small.
create index ride_waiting on ride (operator_id, id) where status in ('UNLOCKING', 'PAUSING', 'UNPAUSING', 'ENDING');
