"""A run that nobody watches: its lock, its bars, its notifications."""
