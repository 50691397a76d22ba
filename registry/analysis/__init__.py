"""Reading what the logs hold: history as a table, two versions compared."""
