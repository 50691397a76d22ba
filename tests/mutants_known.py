"""Mutants of the registry's write path that no rule makes, and those that change nothing (see :mod:`tests.mutants`)."""

# ruff: noqa: E501  # a mutant is a line of code and is best read on one
from __future__ import annotations

BY_HAND: list[tuple[str, str, str]] = [
    # module, what stands there, what is put in its place
    ("log/log.py", "self._newest = winner = self._winner(entry)", "winner = self._winner(entry)"),
    ("log/log.py", "state={**before, **newest, **draft.changes,", "state={**newest, **draft.changes,"),
    ("log/log.py", '"keys": remember(before, key, n)}', '"keys": []}'),
    ("log/log.py", "max(write_time(as_of), before.get(\"as_of\", \"\"))", "write_time(as_of)"),
    ("log/log.py", "return _as_read(entry if", "return (entry if"),
    ("log/log.py", "key = idempotency_key(key or operation)", "key = key or operation"),
    ("format/entries.py", "[-KEYS_KEPT:]", ""),
    ("format/entries.py", "if short == key[:12]:", "if short[:1] == key[:1]:"),
    ("model/transitions.py", "if night is not None and last is not None and night.day <= last:", "if night is not None and last is not None and night.day < last:"),
    ("model/transitions.py", "if _identity(present) != _identity(expected):", "if (present and present.version) != (expected and expected.version):"),
    ("model/transitions.py", "for former in recent[-FORMER_KEPT:]]", "for former in recent]"),
    ("model/transitions.py", "[*marked, present.version][-_ROLLED_BACK_KEPT:]", "[*marked, present.version]"),
    ("model/transitions.py", "[-RECIPES_KEPT:]", ""),
    ("model/transitions.py", "version_name(latest_number(head) + 1)", "version_name(n)"),
    ("model/transitions.py", "            **_night_changes(night),\n", ""),
    ("model/transitions.py", "            **_afresh(head.state, time),\n", ""),
    ("model/preparation.py", "limit = self._access.grace / 2", "limit = self._access.grace * 2"),
    ("model/trainer.py", "build = preparation.in_time(transitions.registered(record))", "build = transitions.registered(record)"),
    ("model/decisions.py", "build = preparation.in_time(build_of(self._with_record(preparation, decision.body)))", "build = build_of(self._with_record(preparation, decision.body))"),
    ("model/operator.py", "preparation.in_time(build), author, reason, key)", "build, author, reason, key)"),
    ("store/folder.py", "            os.link(incoming, target)\n", "            os.replace(incoming, target)\n"),
    ("store/bucket.py", ', "IfNoneMatch": "*"', ""),
    ("store/bucket.py", ', "ContentMD5": md5', ""),
    ("store/bucket.py", "            if creates and fault.may_be_stored:\n                unsure = fault\n", "            unsure = fault if creates and fault.may_be_stored else None\n"),
]  # fmt: skip

EQUIVALENT: dict[tuple[str, str, str], str] = {
    # (module, what stands there, what is put in its place): why nobody can see it
    (
        "model/decisions.py",
        "head is not None",
        "True",
    ): "the version to promote was registered, so there is a newest entry",
    (
        "log/log.py",
        "head if middle == head.n else self.read(middle)",
        "(self.read(middle))",
    ): "reads once more what is known",
    (
        "model/operator.py",
        "writer.check_signer()",
        "pass",
    ): "who signs the new champion refuses it too, some requests later",
    (
        "format/entries.py",
        "proven",
        "False",
    ): "looks again at the form of bytes that a later entry names by their digest",
    ("log/log.py", "winner.operation == operation", "False"): "its idempotency key finds it too, by a request more",
    (
        "log/log.py",
        "self.access.clock.sleep(spread() * 0.002 * min(attempt, 25))",
        "pass",
    ): "the pace of writers in a race",
    ("store/s3_client.py", 'hasattr(os, "register_at_fork")', "True"): "Windows alone has no forks",
}
