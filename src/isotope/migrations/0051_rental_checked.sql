-- Rows that stood before 0050 are looked at here, under locks that let everybody work on.
alter table staff_task validate constraint staff_task_dates;
alter table ledger_account validate constraint ledger_account_kind_check;
alter table ledger_account validate constraint ledger_account_deposit;
alter table card_payment validate constraint card_payment_purpose_check;
alter table receipt validate constraint receipt_kind_check;
