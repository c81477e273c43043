-- Rows that stood before 0017 are looked at here, under a lock that lets everybody work on.
alter table ride_event validate constraint ride_event_kind_check;
