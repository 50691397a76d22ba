"""`retrain doctor` checks one by one what could keep the nights from running."""
