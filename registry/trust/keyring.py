"""Keys as they are configured: the private one in a file, the trusted public ones in variables.

::

    RETRAIN_SIGNING_KEY=/etc/retrain/night.pem     an Ed25519 private key (PEM), read by its owner
    RETRAIN_TRUSTED_PROMOTERS=8f0c…,51d2…          public keys, 64 hexadecimal digits each, that may promote
    RETRAIN_TRUSTED_TRAINERS=77aa…                 those of nights, which may register and hold

A key's role is the list that its public half stands in, so the file cannot say one thing and the list another. What a
signature is worth: :mod:`registry.trust.signing`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from registry.errors import InvalidRequest, KeyRefused
from registry.trust.signing import Signer, Trusted, insist_on_cryptography

SIGNING_KEY = "RETRAIN_SIGNING_KEY"
PROMOTERS = "RETRAIN_TRUSTED_PROMOTERS"
TRAINERS = "RETRAIN_TRUSTED_TRAINERS"

_OTHERS = stat.S_IRWXO | stat.S_IWGRP  # a group may read: so Kubernetes hands a secret to a process that is not root


@dataclass(frozen=True)
class Keyring:
    """Who signs here, and whom to trust; neither where nothing is configured."""

    signer: Signer | None = None
    trusted: Trusted | None = None

    @classmethod
    def of(cls, signing_key: str | Path | None, promoters: str | None, trainers: str | None) -> Self:
        """The keys as configured: a file, and public keys with commas or spaces between.

        Raises :class:`KeyRefused` for a key that cannot be used, :class:`InvalidRequest` for what is no public key.
        """
        promoting, training = _listed(promoters), _listed(trainers)
        for name, text, named in ((PROMOTERS, promoters, promoting), (TRAINERS, trainers, training)):
            if text is not None and not named:
                raise InvalidRequest(
                    f"{name} is set and names no key, which would trust anybody: name the public keys, or unset it"
                )
        if not promoting:
            if training or signing_key:
                raise InvalidRequest(
                    f"{SIGNING_KEY} and {TRAINERS} go with {PROMOTERS}, which is not set: name the public keys that "
                    "may promote (`registry key FILE` shows a file's)"
                )
            return cls()
        trusted = Trusted(promoters=promoting, trainers=training)
        return cls(None if not signing_key else _signer(Path(signing_key).expanduser(), trusted), trusted)

    @classmethod
    def configured(cls, signing_key: str | Path | None = None, *, environ: Mapping[str, str] | None = None) -> Self:
        """Whom the environment trusts, and the key of whoever writes; who only reads gives none, and none is opened."""
        variables = os.environ if environ is None else environ
        return cls.of(signing_key, variables.get(PROMOTERS), variables.get(TRAINERS))


def read_secret(path: Path) -> bytes:
    """The 32 secret bytes of the Ed25519 key in a PEM file.

    Raises :class:`KeyRefused` where it cannot be read, others may read or change it, or it is no such key.
    """
    insist_on_cryptography()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    make = f"make one with `registry key --new {path}.new`"
    try:
        with path.open("rb") as file:
            mode, data = os.fstat(file.fileno()).st_mode, file.read()
    except OSError as error:
        named = (
            f"the signing key {path}" if _looks_like_a_path(path) else "what is given as the file of the signing key"
        )
        raise KeyRefused(
            f"{named} cannot be read: {error.strerror}. {SIGNING_KEY} and --signing-key name a file, and hold no key"
        ) from None  # the error repeats the name, which may be the key itself
    if mode & _OTHERS:
        raise KeyRefused(
            f"the signing key {path} is open to others (mode {stat.S_IMODE(mode):o}): whoever read it can sign; "
            f"`chmod 600 {path}`, and take a new key if somebody may have"
        )
    try:
        key = load_pem_private_key(data, password=None)
    except TypeError as error:
        raise KeyRefused(
            f"the signing key {path} is locked by a password, which nothing here asks for: {make}"
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyRefused(f"{path} holds no private key in PEM: {make}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyRefused(f"the key in {path} is of another kind than Ed25519: {make}")
    return key.private_bytes_raw()


def public_key(path: Path) -> str:
    """The public half of the key in a file, 64 hexadecimal digits; :class:`KeyRefused`."""
    return Signer("promoter", read_secret(path)).public


def write_new_key(path: Path) -> str:
    """A new private key in a file that only its owner reads; gives its public key. Never overwrites."""
    insist_on_cryptography()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = Ed25519PrivateKey.generate()
    try:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    except OSError as error:
        raise KeyRefused(f"no key was written to {path}: {error.strerror}") from error
    return key.public_key().public_bytes_raw().hex()


def _looks_like_a_path(path: Path) -> bool:
    """Whether a name that is no file may be shown: a key put in its place (PEM, hexadecimal, base64) has no dot."""
    try:
        return path.suffix != "" or (path.parent != Path() and path.parent.is_dir())
    except (OSError, ValueError):  # too long a name, a zero byte
        return False


def _listed(text: str | None) -> tuple[str, ...]:
    return tuple((text or "").replace(",", " ").split())


def _signer(path: Path, trusted: Trusted) -> Signer:
    signer = Signer("promoter", read_secret(path))
    if signer.public in trusted.promoters:
        return signer
    if signer.public in trusted.trainers:
        return Signer("trainer", signer.secret)
    raise KeyRefused(
        f"the signing key {path} is nobody's that is trusted: its public key {signer.public} stands neither in "
        f"{PROMOTERS} nor in {TRAINERS}"
    )
