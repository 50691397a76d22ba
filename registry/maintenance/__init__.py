"""Keeping a registry sound and small: verify, garbage collection, copies."""
