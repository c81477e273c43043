"""Lists, counts and exports for an operator's staff: read-only SQL across the rooms, nothing is changed here.

A module a list. What every list has in common: `scope` (whose rows), `paging` (which of them), `search` (the box of words),
`masking` (what a role is not shown).
"""
