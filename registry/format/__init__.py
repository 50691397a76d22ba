"""What lies on the store: keys, records, entries and their sentences."""
