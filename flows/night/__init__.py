"""One night: its steps, what they hand to each other, and what came of it."""
