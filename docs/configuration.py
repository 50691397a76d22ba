"""Writes ``configuration.md`` from the settings themselves: ``make docs``. A test fails where the page is stale."""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from pathlib import Path

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from flows.gate.nightly.policy import GatePolicy
from flows.job.request import Advanced, Force, Release, RetrainRequest
from flows.operations.settings import Operations
from flows.settings import Settings
from registry.store.settings import S3Settings

PAGE = Path(__file__).with_suffix(".md")

TEXT = """# Configuration

Written by `make docs` from the settings; a test keeps it equal to them. A setting stands in the file `retrain.toml`,
in an environment variable, or in an option of the command line: the option wins over the variable, the variable over
the file. What judges a night is none of them but policy, kept in the registry.

    RETRAIN_DATA=path/to/bars RETRAIN_CLOCK=london-5h retrain run --dry-run --recipe logistic

A setting that makes no sense, or that nothing reads, stops the command before anything is read, and the message names
it. An empty variable is as if it were not set.

## retrain.toml

`retrain init` writes the file: it looks for yearly files in the folder, says what it finds odd about them, finds the
clock by which their weekends begin and end when the market does, checks the registry as `retrain doctor` does, and
asks (or takes options; `--yes` takes what is found). It replaces no file without `--force`.

Every command of `retrain` and `registry` reads the file in its working folder, or the nearest one in a folder above, as
git does. A key is a variable of this page without `RETRAIN_`, in lower case:

```toml
data = "bars"                # relative paths are relative to this file
clock = "london-5h"
registry = "s3://models/registry"
author = "Ann"
```

`retrain doctor` and `retrain status` say which file is in use. The registry, the sample and what else is kept in
`.retrain` then lie beside the file, from whichever folder below a command is called.
`RETRAIN_SETTINGS=/srv/retrain.toml` names a file where no folder can be relied on (cron, a container). The worker of
`retrain up`, and what it starts, have the settings of whoever started it; a worker of your own reads the file of the
folder that it works in. A file above the working folder that belongs to another user is refused: the command of a feed
stands in it.

Secrets do not belong there: the password in the address of an alert stays in `RETRAIN_ALERT_URL`, credentials of a
bucket in `AWS_*`. `signing_key` is the path of a key and may stand there. `import registry` in a program of your own
does not read the file: a service gets its settings from its environment and its arguments. Recipes have a file of
their own, and so has a [fleet](fleet.md), whose tables win over this one.

## Where things are

{settings}

## Nights that run by themselves

{operations}

## One run

What differs from a usual night: options of `retrain run`, and the form behind *Run*, *Custom run* in Prefect's UI.

{request}

Behind "advanced" in the form (`advanced` in JSON):

{advanced}

To force a promotion (`force`), all three:

{force}

To release a tripwire (`release`, [gate.md](gate.md#too-good-to-be-true)), all three:

{release}

## Policy of the gate

Not a setting and no option of a run: who could choose the score or the budget a night could choose until something is
promoted. `retrain set-policy` writes it into the log, with author and reason, and evidence starts afresh. A fleet
may make the budget smaller (`RETRAIN_BUDGET`), never larger. What each means and why these are the defaults:
[gate.md](gate.md).

{policy}

## Bucket and server

A bucket is spoken to by `boto3`, and found as `boto3` finds it: by variables (`AWS_ENDPOINT_URL` or
`AWS_ENDPOINT_URL_S3` for a store that is not Amazon's, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`,
`AWS_DEFAULT_REGION`, `AWS_PROFILE`), the files in `~/.aws`, a credential process, an assumed role, a web identity, or
the credentials of a container or a virtual machine. `HTTPS_PROXY`, `NO_PROXY` and `AWS_CA_BUNDLE` hold too.
`AWS_MAX_ATTEMPTS`, or `max_attempts` in the profile, says how often a request is made at most, unless `S3Settings` does
(below). `addressing_style` below `s3 =` in the profile holds, and `RETRAIN_S3_ADDRESSING` before it: path is
`host/bucket`, virtual is `bucket.host`, and auto is path where an endpoint is set and virtual for Amazon. A process
makes one client and shares it; when the variables or the files change, what is opened next makes another.

| variable | meaning | default |
| --- | --- | --- |
| `RETRAIN_S3_ADDRESSING` | Where the bucket stands in a request: path, virtual or auto | as the profile says |
| `RETRAIN_S3_ENCRYPTION` | How what is written is encrypted: AES256, aws:kms or aws:kms:dsse | as the bucket does |
| `RETRAIN_S3_KMS_KEY` | Id, ARN or alias of the key; by itself it means aws:kms |  |
| `RETRAIN_S3_REQUESTER_PAYS` | true: every request says that who asks pays, as such a bucket demands | no |

Of a bucket and of whoever asks it, this is refused before anything is sent, in a sentence that names the variable, the
file or the line to correct: credentials that no header can hold (a new line at the end of a session token), half of
them, a `credential_process` that is not there or prints something else, a token's file that is not there, a login that
has expired, a profile that is not there or asks for a one-time code where nobody is, a file of profiles that cannot be
read, an endpoint that is no address, names the bucket once more or carries a password, and `s3:/bucket` with one slash.

Prefect's own variables hold for Prefect: `PREFECT_API_URL` says which server a night runs through,
`PREFECT_API_AUTH_STRING` how to be let in. `RETRAIN_SOURCE_REVISION` is noted in each version as the revision of the
code, where there is no git checkout to ask. `RETRAIN_CACHE` is a folder where `registry log` and `history` keep copies
of what never changes. `RETRAIN_REGISTRY_ID` is the id of the one registry that everything here is about, as `registry
init` prints it: with it set, a folder that is not mounted or a mistyped prefix is an error, where a new registry would
else begin at v1. Set, it must not be empty.

## Recipes of your own

`RETRAIN_RECIPES_FILE` names a TOML file, one table a recipe; they are trained beside those that are shipped. A feature
is a column of the bars, or an arithmetic expression over some. What is wrong is said before anything is trained. A
night trains at most 32 recipes: a model remembers the newest version of so many.

```toml
[slow_boosting]
estimator = "sklearn.ensemble.HistGradientBoostingClassifier"
parameters = {{ max_iter = 300, learning_rate = 0.01 }}
features = ["rsi_14", "(close_15m - ema_20) / atr_14"]
```

## A connection's patience

In Python, `registry.store.S3Settings` sets how patient a connection is:

{s3}
"""


def page() -> str:
    """The page as it should be."""
    return TEXT.format(
        settings=_variables(Settings),
        operations=_variables(Operations),
        request=_fields(RetrainRequest, leave_out=("force", "release", "advanced")),
        advanced=_fields(Advanced),
        force=_fields(Force),
        release=_fields(Release),
        policy=_plain(GatePolicy),
        s3=_plain(S3Settings),
    )


def _variables(settings: type[BaseModel]) -> str:
    rows = [
        (f"`RETRAIN_{name.upper()}`", field.description or "", _default(field))
        for name, field in settings.model_fields.items()
    ]
    return _table(("variable", "meaning", "default"), rows)


def _fields(form: type[BaseModel], leave_out: tuple[str, ...] = ()) -> str:
    rows = [
        (f"`{name}`", _type(field.annotation), field.description or "", _default(field))
        for name, field in form.model_fields.items()
        if name not in leave_out
    ]
    return _table(("field", "type", "meaning", "default"), rows)


def _plain(settings: type) -> str:
    """A table of a dataclass whose docstring says what each field means."""
    said = " ".join((settings.__doc__ or "").replace("``", "`").split())
    rows = [(f"`{each.name}`", _shown(each.default)) for each in dataclasses.fields(settings)]
    return f"{_table(('field', 'default'), rows)}\n\n{said}"


def _default(field: FieldInfo) -> str:
    return "required" if field.is_required() else _shown(field.default)


def _shown(value: object) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _type(annotation: object) -> str:
    """The type in words that a person filling in a form would use."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return _type(next(each for each in typing.get_args(annotation) if each is not type(None)))
    if typing.get_origin(annotation) is typing.Annotated:
        return _type(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) is typing.Literal:
        return " or ".join(map(str, typing.get_args(annotation)))
    if typing.get_origin(annotation) is tuple:
        return f"list of {_type(typing.get_args(annotation)[0])}"
    known = {str: "text", int: "whole number", float: "number", bool: "yes or no", SecretStr: "secret"}
    return known.get(annotation, "moment with a zone")  # type: ignore[call-overload]  # any object may be asked for


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(re.sub(r"\|", r"\\|", cell) for cell in line) + " |" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
