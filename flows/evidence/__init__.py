"""Who scored which bar: the evidence of the nights, collected, backfilled and kept."""
