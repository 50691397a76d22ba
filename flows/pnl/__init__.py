"""Profit and loss: what crossing the spread costs, and the pips that are left after it."""
