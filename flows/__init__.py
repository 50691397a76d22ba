"""Orchestrated, scheduled retraining of one production model behind a champion gate."""
