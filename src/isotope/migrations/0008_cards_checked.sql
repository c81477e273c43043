-- Rows that stood before 0007 are looked at here, under a lock that lets everybody work on.
alter table ledger_account validate constraint ledger_account_kind_check;
alter table ride validate constraint ride_status_check;
alter table ride validate constraint ride_paid;
