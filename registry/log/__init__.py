"""One append-only log, its folded segments and the local cache."""
