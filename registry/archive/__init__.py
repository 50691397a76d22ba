"""The archive of one version: what is stored, how it is checked, how it predicts."""
