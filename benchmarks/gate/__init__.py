"""Measurements of the gate: its error rates and its power. See docs/gate.md."""
