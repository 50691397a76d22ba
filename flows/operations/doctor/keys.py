"""Checks of the signing keys: the key file, its role, and whether production trusts the champion's signature."""

from __future__ import annotations

from collections.abc import Iterator

from flows.operations.doctor.finding import Finding
from flows.settings import Settings, open_model
from registry.errors import NoChampion, RegistryError, Suspended, UntrustedSignature
from registry.trust.keyring import Keyring


def examine_keys(settings: Settings, place: str, model: str) -> Iterator[Finding]:
    """No finding where no key is configured."""
    try:
        keys = settings.keys
    except RegistryError as error:
        yield Finding("keys", "wrong", str(error), "nothing runs until it is fixed")
        return
    trusted = keys.trusted
    if trusted is None:
        return
    if trusted.may_promote(keys.signer):
        alone = settings.approval_hours is not None
        yield Finding(
            "keys",
            "wrong" if alone else "fine",
            "nights here sign with a promoter's key and promote by themselves",
            "RETRAIN_APPROVAL_HOURS asks for a person: give nights a trainer's key" if alone else "",
        )
    else:
        who = "with no key" if keys.signer is None else "with a trainer's key"
        yield Finding("keys", "fine", f"nights here sign {who}: promotions wait for `registry approve`")
    try:
        open_model(place, model, Keyring(trusted=trusted)).in_production()
    except UntrustedSignature as error:
        yield Finding("champion", "wrong", str(error), "promote it again with a promoter's key, or trust that key")
    except (NoChampion, Suspended):
        return
    except RegistryError:
        return  # the finding on the registry says so
    else:
        yield Finding("champion", "fine", "promoted by a trusted key")
