"""Signatures, and whose keys are trusted."""
