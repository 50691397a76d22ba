"""Evidence says which version scored which bar; here it is collected each night, backfilled, and read back."""
