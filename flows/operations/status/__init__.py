"""The state of a model on one screen (`retrain status`), and the hourly watch of its champion and its bars."""
