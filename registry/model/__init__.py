"""One model: reading it, and what each role may write."""
