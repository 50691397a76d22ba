"""Scoring turns the ledger's predictions into scores, bar by bar and by trading day."""
