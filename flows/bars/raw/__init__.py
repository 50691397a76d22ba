"""Raw exports of prices become yearly feature files.

::

    raw = [read_export(path.name, path.read_bytes(), clock=FileClock.parse("UTC")) for path in paths]
    build("bars", raw, Choices(clock="london-5h"))     # everything anew
    add("bars", [today], Choices(clock="london-5h"))   # only what is later than the last bar there

An *export* is what a broker or a vendor gives: bars of 1, 5 or 15 minutes, or of another length up to the instrument's,
in one of the :mod:`layouts`. It becomes quarter-hour bars, or the instrument's (:mod:`resampling`), these become
features (:mod:`building`), and a folder takes the files, all of them or none (:mod:`folder`). Adding day by day gives
the bytes that one build over everything gives.
"""

from flows.bars.raw.building import Built, Choices, add, build
from flows.bars.raw.layouts import Layout, layout_of
from flows.bars.raw.reading import Export, read_export

__all__ = ["Built", "Choices", "Export", "Layout", "add", "build", "layout_of", "read_export"]
