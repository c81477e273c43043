"""Room: wallet. A double-entry ledger per operator; what a rider owns and owes is what its entries say."""

from isotope.domain.wallet.driver_accounts import DriverEntry, get_driver_balance, list_driver_entries
from isotope.domain.wallet.errors import (
    amount_out_of_range,
    debt_open,
    idempotency_key_invalid,
    idempotency_key_reused,
    payment_running,
    rider_without_wallet,
    wallet_limit_reached,
)
from isotope.domain.wallet.history import WalletEntry, list_entries
from isotope.domain.wallet.holds import DebtHold, PaymentHold
from isotope.domain.wallet.journal import AccountTotal, JournalLine, total_period
from isotope.domain.wallet.model import (
    MAX_AMOUNT_MINOR,
    MAX_BALANCE_MINOR,
    AccountKind,
    AddMoney,
    Charge,
    Charged,
    Difference,
    Entry,
    Flow,
    MoneyAdded,
    MoneyKind,
    Posted,
    Posting,
    Standing,
)
from isotope.domain.wallet.queries import check_ledger, find_entries, get_standing, list_standings, trial_balance
from isotope.domain.wallet.rules import bonus_expiry, credit_entries, may_add
from isotope.domain.wallet.store import lock_standing
from isotope.domain.wallet.usecases.add_money import add_money
from isotope.domain.wallet.usecases.charge import charge
from isotope.domain.wallet.usecases.expire_bonus import expire_bonus
from isotope.domain.wallet.usecases.export_journal import ExportJournal, JournalTotals, export_journal
from isotope.domain.wallet.usecases.post import post
from isotope.domain.wallet.usecases.read_standing import read_standing
from isotope.domain.wallet.usecases.settle_debt import SettleDebt, settle_debt

__all__ = [
    "MAX_AMOUNT_MINOR",
    "MAX_BALANCE_MINOR",
    "AccountKind",
    "AccountTotal",
    "AddMoney",
    "Charge",
    "Charged",
    "DebtHold",
    "Difference",
    "DriverEntry",
    "Entry",
    "ExportJournal",
    "Flow",
    "JournalLine",
    "JournalTotals",
    "MoneyAdded",
    "MoneyKind",
    "PaymentHold",
    "Posted",
    "Posting",
    "SettleDebt",
    "Standing",
    "WalletEntry",
    "add_money",
    "amount_out_of_range",
    "bonus_expiry",
    "charge",
    "check_ledger",
    "credit_entries",
    "debt_open",
    "expire_bonus",
    "export_journal",
    "find_entries",
    "get_driver_balance",
    "get_standing",
    "idempotency_key_invalid",
    "idempotency_key_reused",
    "list_driver_entries",
    "list_entries",
    "list_standings",
    "lock_standing",
    "may_add",
    "payment_running",
    "post",
    "read_standing",
    "rider_without_wallet",
    "settle_debt",
    "total_period",
    "trial_balance",
    "wallet_limit_reached",
]
