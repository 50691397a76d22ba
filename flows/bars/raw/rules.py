"""Raw exports must keep these rules; each says how to fix what breaks it. They are reported in this order.

``{0}`` stands for the instrument.
"""

from __future__ import annotations

from enum import Enum


class RawRule(Enum):
    """What can be wrong with an export, or with how it fits the bars that are there."""

    NOT_TEXT = "the export must be text, in UTF-8 or with a byte order mark in UTF-16, or that packed by gzip or zip"
    EMPTY = "the export must hold at least one bar: export it again"
    LAYOUT = (
        "the layout is not known by its first line (docs/bars.md has a table of layouts): name the columns of the "
        "header with --columns, and the sign between them with --delimiter"
    )
    STOPPED = "too many lines are wrong to read on: mend those listed here first"
    DECIMAL_COMMA = "a comma must be either for decimals or for thousands, everywhere: export with '.' in numbers"
    FIELDS = "a line must have one field a column (a short last line is a cut-off file): export the file again"
    TIMESTAMP = "a time must be written as on the first line: correct it, or say how with --time-format"
    ZONE = "times must all carry an offset or all none: export them all in UTC"
    SUMMER_TIME = "this clock shows this time twice or never: check --clock and RETRAIN_CLOCK, or remove the bar"
    OFF_GRID = "bars must open at a full minute of their length (ticks are not taken): export bars of {0.made_of_words}"
    LENGTH = "bars must all be of one length, {0.made_of_words}: export M1, or say which with --bars"
    NUMBER = "every price must be a finite number: correct or remove the bar"
    PRICE = "prices must be above zero: correct or remove the bar"
    RANGE = "high, low, open and close contradict each other (low <= open, close <= high): correct or remove the bar"
    ORDER = "bars must stand in order of time (two exports pasted into one, or a clock put back): export again"
    DUPLICATE = "two bars of one time have different prices: keep the right one"
    GAP = "bars are missing for longer than a market closes: give the exports between too, or allow it: --max-gap-days"
    CORRECTED = "a bar that is there already has other prices now: build everything anew from all exports"
    LATE = "bars before the last one there are new: build everything anew from all exports"
