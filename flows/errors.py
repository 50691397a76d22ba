"""Everything a caller of ``flows`` can act on: one class a situation, all below :class:`RetrainError`.

Each message says what was wrong, where, and what to do about it. The command line prints the message alone and ends
with a non-zero status; nothing is half done after any of these.
"""

from __future__ import annotations


class RetrainError(Exception):
    """Base of every error that a person can act on; ``exit_status`` is what the command line ends with."""

    exit_status = 1


class BarsRejected(RetrainError):
    """The bars break a rule that cannot be repaired without guessing; the message lists every fault found."""

    exit_status = 3


class BarsMissing(RetrainError):
    """There are no bars to work on: no file, a missing year, an empty range."""

    exit_status = 3


class SourceRefused(BarsMissing):
    """The place of the bars cannot be read as it is set up (settings, credentials, rights): waiting does not help."""


class RecipeRefused(RetrainError):
    """A recipe is wrong (unknown name, estimator outside scikit-learn, bad parameter); nothing was trained."""

    exit_status = 4


class RequestRefused(RetrainError):
    """An option or setting is not allowed as given."""

    exit_status = 2


class InstrumentRefused(RequestRefused):
    """An instrument is none: an unknown name, a file that cannot be read, a field that is wrong."""


class LabelRefused(RequestRefused):
    """A label is none, is too long for its instrument, or is another than the model's."""


class NightRefused(RetrainError):
    """The night asked for is not later than the last one decided."""

    exit_status = 5


class WorkersLost(RetrainError):
    """Processes or machines that fit for this one died; what they finished is kept."""


class ReportFailed(RetrainError):
    """The report cannot be written where it should stand."""


class GateRefused(RetrainError):
    """The gate cannot judge what it was given (too few bars or days, unusable scores)."""

    exit_status = 6
