"""Room: payments. Cards, and money that comes from and goes back to them; the ledger says what it means."""
