"""Optional signatures (Ed25519): who may promote is decided by a key, not by who may write to the bucket.

::

    signer = Signer("promoter", bytes.fromhex(secret))       # 32 random bytes, kept where only the gate reads them
    gate = Registry(url, signer=signer)                      # every entry it writes is signed
    trusted = Trusted(promoters=[signer.public])
    Registry(url, trusted=trusted).model(name).load()        # UntrustedSignature where no promoter's key signed it

Two things are signed: each entry (its canonical bytes without ``signature``), and in the state the **champion's
record**, which names model, version, decision, artifact and digest. The state travels with the newest entry, so a
serving process checks the champion without any further request, whoever wrote the newest entry.

What this proves: what is loaded was once promoted by a holder of a promoter's key. Who may write to ``decisions/`` but
has no key can still hide entries from readers, suspend, or bring back the record of an earlier promotion; it cannot
make production load anything that was never promoted. A registry with ``trusted`` refuses to promote without one of
those keys, since production would refuse the result. Keys from files and variables: :mod:`registry.trust.keyring`.
Needs the package ``cryptography`` (extra ``signing``), imported when a signature is made or checked.
"""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from registry.errors import ForgedSignature, InvalidRequest, UntrustedSignature
from registry.extras import needing
from registry.format.entries import Entry, canonical, digest

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ROLES = ("trainer", "promoter")


@dataclasses.dataclass(frozen=True)
class Signer:
    """A role and the secret of its key: 32 bytes that nobody else knows. The secret is not shown by ``repr``."""

    role: str
    secret: bytes = dataclasses.field(repr=False)

    def __post_init__(self) -> None:
        insist_on_cryptography()
        if self.role not in ROLES or len(self.secret) != 32:
            raise InvalidRequest(f"a signer has a role of {', '.join(ROLES)} and a secret of 32 bytes")

    @property
    def public(self) -> str:
        """The public key, 64 hexadecimal digits: what :class:`Trusted` is made of."""
        return self._key().public_key().public_bytes_raw().hex()

    def sign(self, statement: bytes) -> dict[str, str]:
        """``{"role", "key", "value"}``: the key's id and the signature in base64."""
        value = base64.b64encode(self._key().sign(statement)).decode()
        return {"role": self.role, "key": key_id(self.public), "value": value}

    def _key(self) -> Ed25519PrivateKey:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(self.secret)


@dataclasses.dataclass(frozen=True)
class Trusted:
    """Public keys (64 hexadecimal digits each) by role. A promoter may do what a trainer may."""

    promoters: Sequence[str]
    trainers: Sequence[str] = ()

    def __post_init__(self) -> None:
        insist_on_cryptography()
        for public in (*self.promoters, *self.trainers):
            if len(public) != 64 or set(public) - set("0123456789abcdef"):
                raise InvalidRequest(f"{public[:8]!r}… is not a public key: 64 lower-case hexadecimal digits")

    def check_champion(self, model: str, champion: Mapping[str, Any]) -> None:
        """:class:`UntrustedSignature` unless a promoter's key signed the record of this champion of this model."""
        where = f"the promotion of {champion.get('version')} of {model} (decision {champion.get('decision')})"
        self._check(champion.get("signature"), champion_statement(model, champion), ("promoter",), where)

    def check_entry(self, entry: Entry) -> None:
        """:class:`UntrustedSignature` unless a key that may write the entry's log signed it."""
        where = f"entry {entry.n} of {entry.model}/{entry.log}"
        self._check(entry.signature, entry_statement(entry), ROLES if is_a_nights(entry) else ("promoter",), where)

    def may_promote(self, signer: Signer | None) -> bool:
        """Whether production, trusting these keys, would load what ``signer`` promotes."""
        return signer is not None and signer.role == "promoter" and signer.public in self.promoters

    def _check(self, signature: Mapping[str, Any] | None, statement: bytes, roles: Sequence[str], where: str) -> None:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        if not isinstance(signature, Mapping):
            raise UntrustedSignature(f"{where} is not signed, and trusted keys are configured: it is not used")
        role = signature.get("role")
        keys = {"promoter": self.promoters, "trainer": self.trainers}.get(str(role), ()) if role in roles else ()
        public = next((key for key in keys if key_id(key) == signature.get("key")), None)
        if public is None:
            raise UntrustedSignature(
                f"{where} is signed by key {signature.get('key')} as {role}: not a trusted {' or '.join(roles)}"
            )
        try:
            value = base64.b64decode(str(signature.get("value")), validate=True)
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(value, statement)
        except (InvalidSignature, ValueError) as error:  # ValueError: text that is no base64
            raise ForgedSignature(f"the signature of {where} is not that of key {signature['key']}") from error


def is_a_nights(entry: Entry) -> bool:
    """Whether a night without a promoter's key may write ``entry``: it changes nothing that production loads."""
    return entry.log == "versions" or entry.kind in ("held", "scored")


def insist_on_cryptography() -> None:
    """:class:`PackageMissing` where the package that signs and checks is not installed."""
    with needing("signing", "a signing key"):
        if find_spec("cryptography") is None:  # found, not imported: a reader whose champion is cached never needs it
            raise ModuleNotFoundError(name="cryptography")


def key_id(public: str) -> str:
    """The short name of a public key in signatures: 16 hexadecimal digits of its SHA-256."""
    return digest(bytes.fromhex(public))[:16]


def signed(entry: Entry, signer: Signer) -> Entry:
    """``entry`` with its signature."""
    return dataclasses.replace(entry, signature=signer.sign(entry_statement(entry)))


def entry_statement(entry: Entry) -> bytes:
    """What is signed of an entry: its canonical bytes without the signature."""
    return canonical({name: value for name, value in entry.to_dict().items() if name != "signature"})


def champion_statement(model: str, champion: Mapping[str, Any]) -> bytes:
    """What is signed of a championship: the model's name and the champion's record without the signature."""
    record = {name: value for name, value in champion.items() if name != "signature"}
    return canonical({"model": model, "champion": record})
