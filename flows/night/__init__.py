"""One night: its steps, the values that they pass on, and its outcome."""
