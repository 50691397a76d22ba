"""The commands of `retrain`, one module each, and what they share."""
