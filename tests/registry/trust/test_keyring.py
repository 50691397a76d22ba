"""Keys in files and variables: a file that cannot be trusted to be secret, or whose key is nobody's, is refused."""

from __future__ import annotations

import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from registry.errors import InvalidRequest, KeyRefused, PackageMissing
from registry.trust.keyring import PROMOTERS, TRAINERS, Keyring, public_key, read_secret, write_new_key
from registry.trust.signing import Signer


@pytest.fixture
def path(tmp_path):
    return tmp_path / "key.pem"


def written(path, key, locked=None):
    encryption = NoEncryption() if locked is None else BestAvailableEncryption(locked)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    path.chmod(0o600)
    return path


def test_a_new_key_is_its_owners_alone_and_reads_back(path):
    public = write_new_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert public_key(path) == public and len(public) == 64
    assert Keyring.of(path, public, None).signer.secret == read_secret(path)


def test_a_key_is_never_overwritten(path):
    public = write_new_key(path)
    with pytest.raises(KeyRefused, match="File exists"):
        write_new_key(path)
    assert public_key(path) == public


def test_a_key_that_openssl_made_is_the_same_key_here(path):
    path.touch(0o600)
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(path)], check=True)
    der = subprocess.run(
        ["openssl", "pkey", "-in", str(path), "-pubout", "-outform", "DER"], check=True, capture_output=True
    )
    assert public_key(path) == der.stdout[-32:].hex()


def test_the_role_of_a_key_is_the_list_that_it_stands_in(tmp_path):
    ann, night = (write_new_key(tmp_path / name) for name in ("ann", "night"))
    bob = "b" * 64
    assert Keyring.of(tmp_path / "ann", f"{bob}, {ann}", night).signer.role == "promoter"
    ring = Keyring.of(str(tmp_path / "night"), f"{bob} {ann}", night)
    assert ring.signer.role == "trainer" and ring.trusted.promoters == (bob, ann)
    assert not ring.trusted.may_promote(ring.signer)


def test_the_key_of_a_stranger_is_refused_and_its_public_half_is_named(path):
    public = write_new_key(path)
    with pytest.raises(KeyRefused, match=f"{public} stands neither in {PROMOTERS} nor in {TRAINERS}"):
        Keyring.of(path, "a" * 64, "b" * 64)


@pytest.mark.parametrize(("mode", "refused"), [(0o644, 1), (0o604, 1), (0o601, 1), (0o620, 1), (0o600, 0), (0o440, 0)])
def test_a_key_that_others_may_read_or_a_group_may_change_is_refused(path, mode, refused):
    write_new_key(path)
    path.chmod(mode)
    if refused:
        with pytest.raises(KeyRefused, match=f"open to others .mode {mode:o}"):
            read_secret(path)
    else:
        read_secret(path)


def test_a_key_that_is_not_there_or_no_file_is_refused(path, tmp_path, snapshot):
    with pytest.raises(KeyRefused, match="No such file") as refused:
        read_secret(path)
    assert str(refused.value) == snapshot(name="no file")
    with pytest.raises(KeyRefused, match="Is a directory") as refused:
        read_secret(tmp_path)
    assert str(refused.value) == snapshot(name="a folder")


def test_what_is_no_plain_ed25519_key_is_refused(path):
    with pytest.raises(KeyRefused, match="another kind than Ed25519"):
        read_secret(written(path, ec.generate_private_key(ec.SECP256R1())))
    with pytest.raises(KeyRefused, match="locked by a password"):
        read_secret(written(path, ed25519.Ed25519PrivateKey.generate(), locked=b"secret"))
    public = ed25519.Ed25519PrivateKey.generate().public_key()
    for data in (b"", b"\0" * 32, b"not a key", public.public_bytes_raw()):
        path.write_bytes(data)
        with pytest.raises(KeyRefused, match="no private key in PEM"):
            read_secret(path)


def test_nothing_configured_is_no_keys_and_half_a_configuration_is_refused(path, snapshot):
    public = write_new_key(path)
    assert Keyring.of(None, None, None) == Keyring() == Keyring.of("", None, None)
    for half in ((path, None, None), (None, None, public)):
        with pytest.raises(InvalidRequest, match=f"{PROMOTERS}, which is not set"):
            Keyring.of(*half)
    for empty in ("", " , "):  # or nothing would be checked, and nobody be told
        with pytest.raises(InvalidRequest, match=f"{TRAINERS} is set and names no key"):
            Keyring.of(None, public, empty)
        with pytest.raises(InvalidRequest, match=f"{PROMOTERS} is set and names no key") as refused:
            Keyring.of(None, empty, None)
    assert str(refused.value) == snapshot(name="no key")
    with pytest.raises(InvalidRequest, match="'abc'") as refused:
        Keyring.of(None, "abc", None)
    assert str(refused.value) == snapshot(name="no public key")


def test_who_only_reads_trusts_but_opens_no_key(path):
    public = write_new_key(path)
    ring = Keyring.configured(environ={PROMOTERS: public, "RETRAIN_SIGNING_KEY": "/not/there"})
    assert ring.signer is None and ring.trusted.promoters == (public,)


def test_where_keys_are_configured_and_cryptography_is_not_installed_one_message_says_so(path, monkeypatch):
    public = write_new_key(path)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    for needs_it in (
        lambda: Keyring.configured(environ={PROMOTERS: public}),
        lambda: public_key(path),
        lambda: write_new_key(path.with_name("other.pem")),
        lambda: Signer("promoter", b"s" * 32),
    ):
        with pytest.raises(PackageMissing, match=r"pip install 'champion-gate\[signing\]'"):
            needs_it()
    assert Keyring.configured(environ={}) == Keyring(), "who configures none needs none"
