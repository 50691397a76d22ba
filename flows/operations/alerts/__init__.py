"""Alerts: what is sent, when, and how it reaches a person."""
