"""Fixtures that every test may ask for: real servers and fresh buckets."""

from hypothesis import settings

pytest_plugins = ["tests.servers.fixtures", "tests.servers.prefect_server"]

# a busy machine may take a second for what usually takes a millisecond: that is no fault of what is tested
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
