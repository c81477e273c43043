"""Room: subscriptions. Plans that riders buy: so much free or cheaper riding, renewed until they end it."""
