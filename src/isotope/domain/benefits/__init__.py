"""Room: benefits. What makes a ride cheaper: packages, discount groups, promo and referral codes."""
