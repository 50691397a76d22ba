"""Tests, in rooms like those of the packages they test, and what they share."""
