"""Many fits at once: what one fit is given, and the workers that make them, of a replay or of a walk-forward."""
