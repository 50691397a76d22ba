"""All models of a fleet on one page, and on one screen: from their registries alone.

A model whose registry cannot be read has a row that says so: the others are shown.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from flows.errors import RetrainError
from flows.fleet.members import Fleet, Member
from flows.job.plan import default_reports
from flows.operations.settings import Operations
from flows.operations.status.status import StatusReport, read_status
from registry.clock import say_time
from registry.errors import RegistryError
from registry.format.phrases import plural
from registry.store.files import write_atomically

__all__ = ["FleetRow", "read_rows", "write_page"]


@dataclass(frozen=True)
class FleetRow:
    """One model: its status, or why it cannot be told. ``report``: where its report is, None where there is none."""

    member: Member
    status: StatusReport | None
    fault: str | None
    report: Path | None

    @property
    def calls(self) -> bool:
        """Whether a person should look: a fault, a night that is late, an alarm, or something left open."""
        if self.status is None:
            return True
        return self.status.late or bool(self.status.alarms or self.status.open_conditions)

    @property
    def sentence(self) -> tuple[str, str]:
        """The last night's sentence: what it says first, and the rest."""
        first, _, rest = ("" if self.status is None else self.status.last_sentence).partition("; ")
        return first, rest

    @property
    def line(self) -> str:
        """The model in one line of a screen."""
        told = f"fault: {self.fault}" if self.status is None else self.status.first_line
        return f"{'!' if self.calls else ' '} {self.member.name}: {told}"


def read_rows(fleet: Fleet, operations: Operations, *, now: datetime, grace: timedelta) -> list[FleetRow]:
    """A row a model, in the order of the file; a night may be ``grace`` late."""
    rows = []
    for member in fleet.members:
        reports = Path(member.settings.reports or default_reports(member.settings.registry)).expanduser()
        path = reports / f"{member.name}.html"
        status, fault = None, None
        try:
            status = read_status(member.settings, operations, now=now, grace=grace, model=member.name, with_bars=False)
        except (RetrainError, RegistryError) as error:
            fault = str(error)
        rows.append(FleetRow(member, status, fault, path if path.exists() else None))
    return rows


def write_page(rows: Sequence[FleetRow], path: Path, *, now: datetime, pooled: Sequence[str] = ()) -> None:
    """Write the page of all models, those first that a person should look at, with a link to each report that there is:
    one file, no script, no network. ``pooled``: lines of what the pool says, that it calls a person first."""
    rows = sorted(rows, key=lambda row: not row.calls)
    pages = Environment(
        loader=PackageLoader("flows.fleet"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    links = [None if row.report is None else _link(row.report, path.parent) for row in rows]
    call = sum(row.calls for row in rows)
    title = f"{plural(len(rows), 'model')}: " + (f"{call} to look at" if call else "all well")
    page = pages.get_template("index.html.j2").render(
        rows=list(zip(rows, links, strict=True)), title=title, now=say_time(now), pooled=pooled
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, page.encode())


def _link(report: Path, folder: Path) -> str:
    return quote(Path(os.path.relpath(report.absolute(), folder.absolute())).as_posix())
