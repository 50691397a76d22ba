"""Scores and the ledger that they come from, bar by bar and by trading day."""
