"""Credentials are found by ``botocore`` and checked here, before anything is signed with them.

A session token with the newline of its file at the end breaks a header, and the client's own error repeats the whole
header. So every value that goes into one is looked at first, when a client is made and again before each signature
(credentials that expire are fetched anew). A message names the variable or the key of the profile, never the value, and
no text of a program or a service that gives credentials is repeated.
"""

from __future__ import annotations

import functools
import getpass
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import botocore.session
from botocore import exceptions as client
from botocore.exceptions import BotoCoreError, ClientError

from registry.errors import InvalidRequest, StoreDenied
from registry.store.secrets import masked

_VARIABLES = {
    "access_key": ("AWS_ACCESS_KEY_ID",),
    "secret_key": ("AWS_SECRET_ACCESS_KEY",),
    "token": ("AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"),
}
_PROFILE_KEYS = {"access_key": "aws_access_key_id", "secret_key": "aws_secret_access_key", "token": "aws_session_token"}
_WORDS = {"access_key": "key id", "secret_key": "secret key", "token": "session token"}

SHORTEST_SECRET = 8
"""Shorter values are in no real use, and would be found inside of words."""

_SOURCES = {
    "custom-process": "the credential_process",
    "assume-role": "the role that is assumed",
    "assume-role-with-web-identity": "the web identity",
    "container-role": "the container",
    "iam-role": "the virtual machine",
    "sso": "the SSO login",
    "login": "the login",
}
"""What gives credentials, by the name that ``botocore`` has for it."""

_TOKEN_FILES = {
    "AWS_WEB_IDENTITY_TOKEN_FILE": "web_identity_token_file",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": None,
}
"""Variables that name a file with a token, and the key of a profile that means the same."""

_LOGIN_ERRORS: Any = getattr(client, "LoginError", ())  # `aws login` came after the oldest client that is allowed

_CONTAINER_TOKEN = "AWS_CONTAINER_AUTHORIZATION_TOKEN"

_FAILURES = (BotoCoreError, OSError, ValueError, TypeError, AttributeError, KeyError, RuntimeError)
"""What ``botocore`` lets through where a source of credentials is not there or answers something odd."""


class CheckedCredentials:
    """What a client signs with (``found``; None where there is nothing), looked at before each signature."""

    def __init__(self, found: Any, session: botocore.session.Session) -> None:
        self._found = found
        self._session = session
        self.secrets: tuple[str, ...] = ()
        """What no text may repeat: the secret key and the token that were looked at last."""

    def check_before_signing(self, made: Any) -> None:
        """Let the client ``made`` look at them each time."""
        made.meta.events.register("before-sign.s3", self.check)

    def check(self, **_: Any) -> None:
        """Raise :class:`StoreDenied` that names the first value which no header can hold, or why there is none."""
        if self._found is None:
            return
        with _understood(self._found.method, self._session):
            values = self._found.get_frozen_credentials()
        for name, word in _WORDS.items():
            fault = unfit(getattr(values, name) or "")
            if fault is not None:
                where = _where(name, self._found.method, self._session)
                raise StoreDenied(f"the {word} of the credentials {fault}: look at {where}")
        kept = (values.secret_key, values.token)
        self.secrets = tuple(value for value in kept if value and len(value) >= SHORTEST_SECRET)


def find_credentials(session: botocore.session.Session) -> CheckedCredentials:
    """What requests of ``session`` are signed with, checked unless a server must be asked for it first.

    Raises :class:`StoreDenied` for a source of credentials that gives none and for values that no header can hold,
    ``botocore``'s own errors for a profile or a file of profiles that cannot be read.
    """
    resolver = session.get_component("credential_provider")
    for provider in resolver.providers:
        provider.load = functools.partial(_loaded, provider.load, provider.METHOD, session)
        if hasattr(provider, "_prompter"):
            provider._prompter = functools.partial(_ask_person, session)
    found = session.get_credentials()
    checked = CheckedCredentials(found, session)
    if found is not None and found.method not in _SOURCES:
        checked.check()
    return checked


def check_region(region: str | None, *, given: bool) -> None:
    """Raise :class:`InvalidRequest` for a region that no header can hold; ``given``: by the settings in Python."""
    fault = unfit(region or "")
    if fault is not None:
        where = "S3Settings.region" if given else _variable(("AWS_DEFAULT_REGION",)) or "region in the profile"
        raise InvalidRequest(f"the region {fault}: look at {where}")


def unfit(value: str) -> str | None:
    """What keeps ``value`` out of a header, in words that do not repeat it; None where nothing does."""
    if value != value.strip():
        end = "begins" if value[:1].isspace() else "ends"
        return f"{end} with a blank or a new line"
    if not value.isascii():
        return "holds a character that is not ASCII"
    if not value.isprintable():
        return "holds a control character or a new line"
    return None


def _loaded(load: Callable[[], Any], method: str, session: botocore.session.Session) -> Any:
    with _understood(method, session):
        return load()


@contextmanager
def _understood(method: str, session: botocore.session.Session) -> Iterator[None]:
    """Says what is wrong with a source of credentials; what a server answers is left to who asked it."""
    told: StoreDenied | InvalidRequest
    try:
        yield
        return
    except (ClientError, client.ConnectionError, client.HTTPClientError, client.NoCredentialsError):
        raise
    except (client.ProfileNotFound, client.ConfigParseError, InvalidRequest, StoreDenied):
        raise
    except client.PartialCredentialsError as error:
        told = StoreDenied(f"there is half of the credentials: {error.kwargs['cred_var']} is missing. Set it too")
    except (client.SSOError, client.TokenRetrievalError):
        told = _logged_out("sso", session)
    except _LOGIN_ERRORS:
        told = _logged_out("login", session)
    except client.InvalidConfigError as error:
        told = InvalidRequest(f"the profile {_profile(session)!r} does not fit together: {masked(str(error))}")
    except _FAILURES as error:
        told = _no_credentials(error, method, session)
    raise told from None  # what the source said may be a secret, and would be printed with a traceback


def _no_credentials(error: Exception, method: str, session: botocore.session.Session) -> StoreDenied:
    profile = f"the profile {_profile(session)!r}"
    if isinstance(error, OSError) and error.filename is not None:
        variable = _token_file(str(error.filename), session)
        if variable is not None:
            return StoreDenied(
                f"{error.filename} cannot be read ({error.strerror}): {variable} names it as the file of a token. "
                "Correct the name, or see that the token is mounted there"
            )
        if method in ("custom-process", "assume-role"):
            return StoreDenied(
                f"the program {error.filename} cannot be started ({error.strerror}): credential_process of {profile} "
                "names it. Install it, or correct the line"
            )
    if method == "custom-process":
        return StoreDenied(
            f"credential_process of {profile} gives no credentials: run its line in a shell and see what it says; it "
            "must end with status 0 and print JSON with Version 1, AccessKeyId and SecretAccessKey"
        )
    fault = unfit(os.environ.get(_CONTAINER_TOKEN, ""))
    if method == "container-role" and fault is not None:
        return StoreDenied(f"the token that is sent for a container's credentials {fault}: look at {_CONTAINER_TOKEN}")
    source = _SOURCES.get(method, profile)
    return StoreDenied(
        f"{source} gives no credentials ({type(error).__name__}): look at {profile} and at the AWS_* variables"
    )


def _logged_out(command: str, session: botocore.session.Session) -> StoreDenied:
    profile = _profile(session)
    option = "" if profile == "default" else f" --profile {profile}"
    line = "aws sso login" if command == "sso" else "aws login"
    return StoreDenied(
        f"the login of the profile {profile!r} has expired, or there was none: run `{line}{option}`, then try again. "
        "Nights that run by themselves need credentials that do not end with a login"
    )


def _ask_person(session: botocore.session.Session, prompt: str) -> str:
    """The one-time code, from whoever sits at the terminal; a run that nobody watches would wait for ever."""
    if sys.stdin is not None and sys.stdin.isatty():
        return getpass.getpass(prompt)
    raise StoreDenied(
        f"the profile {_profile(session)!r} asks for a one-time code (mfa_serial) and nobody is there to type it: use "
        "a profile without it, or temporary credentials from `aws sts get-session-token` in the AWS_* variables"
    )


def _where(name: str, method: str, session: botocore.session.Session) -> str:
    """The variable or the key of a profile that ``name`` of the credentials comes from."""
    if method == "env":
        return _variable(_VARIABLES[name]) or _VARIABLES[name][0]
    if method in _SOURCES:
        return f"what {_SOURCES[method]} gives"
    return f"{_PROFILE_KEYS[name]} of the profile {_profile(session)!r}"


def _variable(names: tuple[str, ...]) -> str | None:
    return next((name for name in names if os.environ.get(name)), None)


def _profile(session: botocore.session.Session) -> str:
    return str(session.profile or "default")


def _token_file(path: str, session: botocore.session.Session) -> str | None:
    """What names ``path`` as the file of a token: a variable, or a key of the profile."""
    for variable, key in _TOKEN_FILES.items():
        if os.environ.get(variable) == path:
            return variable
        if key is not None and session.get_scoped_config().get(key) == path:
            return f"{key} of the profile {_profile(session)!r}"
    return None


class _WithoutTraceback(logging.Filter):
    """The client logs each failure to fetch credentials with a traceback, which repeats what the source said."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = None
        return True


for _logger in ("botocore.credentials", "botocore.tokens"):
    logging.getLogger(_logger).addFilter(_WithoutTraceback())
