"""Plain SQL files NNNN_name.sql, applied in order, once, forward only."""
