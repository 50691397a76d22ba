"""Money: spreads, and pips after costs."""
