"""One rule a file; :mod:`benchmarks.promotion.night` says what a rule sees and answers."""
