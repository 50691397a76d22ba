"""Everything a caller of ``registry`` can act on: one class a situation, all below :class:`RegistryError`.

Which of them mean "look again and retry", which mean "nothing happened", which mean "it may have happened":

- nothing happened, look again first: :class:`StaleDecision`, :class:`NightDecided`, :class:`Frozen`;
- nothing happened, fix something first: names, keys, store and format errors, :class:`UnsafeArtifact`;
- it may have happened: :class:`OutcomeUnknown` alone. It carries what is needed to continue.
"""

from __future__ import annotations


class RegistryError(Exception):
    """Base of every error of this package; ``exit_status`` is what the command line ends with."""

    exit_status = 1


class InvalidName(RegistryError):
    """A model name, tag, author, reason or key holds what is not allowed in it."""

    exit_status = 2


class InvalidRequest(RegistryError):
    """An argument is not one of those that are allowed here."""

    exit_status = 2


class PackageMissing(InvalidRequest):
    """What is asked for needs a package that is not installed here; the message names the extra that brings it."""


class SettingsRefused(InvalidRequest):
    """``retrain.toml`` cannot be read, or says something that is no setting; the message names file, line or key."""


# --- what is asked for is not there ---------------------------------------------------------------------------------


class ModelNotFound(RegistryError):
    """No model of this name is in the registry."""

    exit_status = 3


class RegistryMissing(RegistryError):
    """An id is insisted on, and no registry with an id is there: a wrong address, or a folder that is not mounted."""

    exit_status = 3


class VersionNotFound(RegistryError):
    """The model has no such version."""

    exit_status = 3


class NoChampion(RegistryError):
    """Nothing was promoted yet (or not at the moment asked about): production has no model."""

    exit_status = 3


class ArtifactMissing(RegistryError):
    """The version is a record without artifact: it was retired, collected or imported without one."""

    exit_status = 3


# --- the operation is refused; nothing was written ------------------------------------------------------------------


class StaleDecision(RegistryError):
    """The champion changed since the decision was judged; judge again against the present one."""

    exit_status = 5


class NightDecided(RegistryError):
    """This night, or a later one, is decided already."""

    exit_status = 5


class Frozen(RegistryError):
    """A person froze the champion; no promotion until then."""

    exit_status = 5


class Suspended(RegistryError):
    """A person told production to stand aside; there is a champion, and it must not be served."""

    exit_status = 5


class RegisteredOtherwise(RegistryError):
    """The work of this idempotency key is registered already, with another archive or record than this."""

    exit_status = 5


class KeyRefused(RegistryError):
    """The signing key is missing, cannot be used, or is not one that may do this."""

    exit_status = 5


class EntryTooLarge(RegistryError):
    """A log entry would exceed 16 KiB."""


class UploadTooOld(RegistryError):
    """The artifact was uploaded so long ago that ``gc`` may be about to remove it; upload again."""


# --- what was read is not what was written --------------------------------------------------------------------------


class FormatTooNew(RegistryError):
    """The registry was written by a newer version of this package than this one can read."""

    exit_status = 7


class Corrupt(RegistryError):
    """Stored bytes are not what an entry says they are."""

    exit_status = 7


class HistoryCut(Corrupt):
    """What an entry says was written is gone or is another: the end of a log was removed, or a log rewritten."""


class OtherRegistry(Corrupt):
    """An entry, or a whole place, belongs to another registry than the one that is asked for."""


class MalformedEntry(Corrupt):
    """A field of an entry is missing, or not of its type and range; ``wrong`` says which, what was found instead."""

    def __init__(self, message: str, *, wrong: str) -> None:
        super().__init__(message)
        self.wrong = wrong


class UnsafeArtifact(RegistryError):
    """An archive holds something that is not allowed in one; it was not loaded."""

    exit_status = 7


class NotPortable(RegistryError):
    """The estimator has no data-only form; it can be served from its ``skops`` form, where scikit-learn is."""

    exit_status = 7


class UntrustedSignature(RegistryError):
    """Trusted keys are configured and an entry is not signed by one that may write it."""

    exit_status = 7


class ForgedSignature(UntrustedSignature):
    """A signature names a trusted key and is not that key's of these bytes: they were changed, or it was made up."""


class InputMismatch(RegistryError):
    """The columns handed to a version are not those that it was trained on."""

    exit_status = 8


# --- the store ------------------------------------------------------------------------------------------------------


class StoreError(RegistryError):
    """Base of what a store answers."""

    exit_status = 6


class Exists(StoreError):
    """Create-if-absent met an object: another writer's, or our own after a lost answer."""


class NotFound(StoreError):
    """No object under this key."""


class StoreUnavailable(StoreError):
    """The store cannot be reached or refuses for now; nothing was written."""


class StoreDenied(StoreError):
    """Wrong or missing credentials or permissions, wrong bucket, read-only folder."""


class StoreFull(StoreError):
    """No space left."""


class ObjectArchived(StoreError):
    """The object was moved to an archive tier of the store, which gives it back only after a restore of hours."""


class StoreRefused(StoreError):
    """The store does not keep the promise that the registry stands on (create-if-absent); it is not used."""


class OutcomeUnknown(StoreError):
    """The store may or may not have stored the object: no answer came, and asking again was not answered either.

    ``key`` is the object in question; ``idempotency_key`` the key to repeat the operation with: repeating it never
    writes twice. Either is None where not known.
    """

    def __init__(self, message: str, *, key: str | None = None, idempotency_key: str | None = None) -> None:
        super().__init__(message)
        self.key = key
        self.idempotency_key = idempotency_key


class ClockSkew(StoreError):
    """This machine's clock and the registry's newest entry disagree by more than an hour."""
