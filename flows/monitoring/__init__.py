"""Monitoring tells whether the champion is still good: its health, the CUSUM watch, and drift."""
