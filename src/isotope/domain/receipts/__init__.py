"""Room: receipts. What a rider gets in writing: numbered without gaps, never changed."""
