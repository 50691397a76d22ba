"""Orchestrated, scheduled retraining of one production model behind a champion gate."""

from registry import __version__ as __version__  # one package, one version
