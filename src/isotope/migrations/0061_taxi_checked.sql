-- Rows that stood before 0060 are looked at here, under locks that let everybody work on.
alter table ledger_account validate constraint ledger_account_driver_fkey;
alter table ledger_account validate constraint ledger_account_kind_check;
alter table ledger_account validate constraint ledger_account_driver_check;
alter table ledger_account validate constraint ledger_account_sum_check;
alter table card_payment validate constraint card_payment_purpose_check;
alter table receipt validate constraint receipt_kind_check;
alter table receipt validate constraint receipt_paid_check;
alter table phone_verification validate constraint phone_verification_flow_check;
