"""The nightly rule judges streams against the champion, with one error rate for the whole year."""
