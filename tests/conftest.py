"""Fixtures that every test may ask for: real servers and fresh buckets."""

import sys
from pathlib import Path

from hypothesis import settings

# This folder is on the path (for ``servers``) and holds a folder ``registry``; with the repository's root on the path
# too, ``import registry`` finds the package and never these tests, however it was installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

pytest_plugins = ["servers.fixtures", "servers.prefect_server"]

# a busy machine may take a second for what usually takes a millisecond: that is no fault of what is tested
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
