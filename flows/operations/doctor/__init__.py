"""`retrain doctor`: what could keep the nights from running, checked one by one."""
