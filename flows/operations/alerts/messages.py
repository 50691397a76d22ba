"""The alerts that people receive: their kinds, their text, and their delivery without Prefect.

Through Prefect an alert is an event of its kind's name, and automations turn it into a notification (see
:mod:`flows.operations.orchestrator.automations`); both ways give the same subject and body. An alert says what
happened, since when, how much, what to do, and where to look.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime

log = logging.getLogger("flows.alerts")

OCCURRENCES = {
    "candidate.waiting": "open the run and choose Resume while it is paused; after that the command it names approves",
    "candidate.promoted": "production loads another version from now on; `registry log MODEL` says why",
    "candidate.held": "nothing: nothing was promoted, and that is the usual night",
    "night.digest": "nothing; that this arrives every week is the sign that the nights run",
}
"""Kinds that happen once. The text says what to do."""

CONDITIONS = {
    "champion.regressed": "look at `retrain status`; `registry rollback MODEL` brings the former champion back",
    "champion.old": "nothing was clearly better for long: look at the recipes, or promote one by hand with a reason",
    "gate.suspicious": "look at the column, recipe or scores that it names: fix it, or release it with a reason",
    "data.rejected": "fix or replace the files that it names; the next night makes up for this one",
    "data.questioned": "look at the bars it names: correct them, or say that they are meant with --allow",
    "data.missing": "look at the feed; the next night makes up for this one",
    "retrain.failed": "look at the run's log; a plain `retrain run` completes what is missing",
    "night.missed": "see whether `retrain up` (or your worker) runs; `retrain run` makes up for every missed night",
}
"""Kinds that last: one alert when they begin, one when they end. The text says what to do."""

KINDS = {**OCCURRENCES, **CONDITIONS}

_SECONDS = 10.0


@dataclass(frozen=True)
class Alert:
    """One message. ``what``: a sentence with the figures; ``since``: when it began; ``ended``: a condition is over."""

    kind: str
    model: str
    what: str
    since: datetime
    link: str | None = None
    ended: bool = False

    @property
    def event(self) -> str:
        return f"{self.kind}.ended" if self.ended else self.kind

    @property
    def subject(self) -> str:
        return f"retrain: {'over: ' if self.ended else ''}{self.kind} ({self.model})"

    @property
    def body(self) -> str:
        lines = [self.what, f"Since: {self.since.astimezone(UTC):%Y-%m-%d %H:%M} UTC"]
        if not self.ended:
            lines.append(f"What to do: {KINDS[self.kind].replace('MODEL', self.model)}")
        return "\n".join([*lines, *([f"Run: {self.link}"] if self.link else [])])


def webhook_json(subject: str, body: str) -> dict[str, str]:
    """What a webhook receives; ``text`` is what Slack and its likes show."""
    return {"subject": subject, "body": body, "text": f"{subject}\n{body}"}


def is_webhook(target: str) -> bool:
    """Whether a target is posted to as JSON; anything else is an Apprise URL (mailto://, slack://, …)."""
    return target.startswith(("http://", "https://"))


def send(alert: Alert, target: str) -> bool:
    """Delivers one alert without Prefect; True if it arrived. A failure is logged, without the target's secrets."""
    if not is_webhook(target):
        return _notify_by_apprise(alert, target)
    return _deliver(alert.kind, target, json.dumps(webhook_json(alert.subject, alert.body)))


def ping(target: str) -> bool:
    """Requests ``target``: the sign of life that a dead-man's switch waits for; True if it was answered."""
    return _deliver("ping", target)


def _deliver(what: str, target: str, data: str | None = None) -> bool:
    import httpx  # costs a tenth of a second, and most commands send no alert

    logging.getLogger("httpx").setLevel(logging.WARNING)  # below, it logs every address, and this one is a secret
    method = "GET" if data is None else "POST"
    headers = {"User-Agent": "retrain"} | ({} if data is None else {"Content-Type": "application/json"})
    try:
        answer = httpx.request(method, target, content=data, headers=headers, timeout=_SECONDS, follow_redirects=True)
        answer.raise_for_status()
    except httpx.HTTPStatusError as error:
        log.error("%s was not delivered: the receiver answered %d", what, error.response.status_code)
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError, ImportError) as error:
        # the last three: certificates or a proxy that the environment names and that cannot be used;
        # only what the connection says is shown: other messages may repeat the address
        reason = error if isinstance(error, httpx.ConnectError) else type(error).__name__
        log.error("%s was not delivered: %s", what, reason)
    else:
        return True
    return False


def _notify_by_apprise(alert: Alert, target: str) -> bool:
    from apprise import Apprise  # comes with Prefect; costs a quarter of a second

    client = Apprise()
    if not client.add(target):
        log.error("%s was not delivered: RETRAIN_ALERT_URL is neither a webhook nor an Apprise URL", alert.kind)
        return False
    arrived = bool(client.notify(title=alert.subject, body=alert.body))
    if not arrived:
        log.error("%s was not delivered: the service of RETRAIN_ALERT_URL refused it", alert.kind)
    return arrived
