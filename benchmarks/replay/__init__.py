"""Past years as if live, with a picture."""
