"""``retrain init``: a settings file, ``retrain.toml``, from what lies here and what a person answers."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from flows.bars.clock import FileClock, default_clock
from flows.errors import BarsRejected, RequestRefused
from flows.instruments import find_instrument
from flows.operations.doctor.found_bars import ReadBars, raw_exports, read_bars, yearly_files
from flows.operations.doctor.store import examine_store
from flows.settings import Settings
from registry import Clock, SystemClock
from registry.commands.settings_file import NAME
from registry.commands.typed import as_typed
from registry.store.files import write_atomically
from registry.store.place import is_bucket

_SHOWN = 5  # findings; `retrain doctor` shows all


@dataclass(frozen=True)
class Answers:
    """What stands in the file; None: the default, shown as a comment."""

    data: str | None = None
    instrument: str = "GBPUSD"
    clock: str | None = None
    stamped: str = "open"
    registry: str = ".retrain/registry"
    alert_url: str | None = None

    @property
    def text(self) -> str:
        """The file."""
        return "\n".join(
            [
                "# Settings of every command of retrain and registry in this folder and below it.",
                "# The environment (RETRAIN_DATA, ...) wins over this file, the command line over both.",
                "# Relative paths are relative to this file. All settings: docs/configuration.md",
                "",
                "# Folder or s3:// prefix with the yearly files; without it nights train on a simulated sample.",
                _line("data", self.data, "path/to/bars"),
                "",
                "# What the bars are of: a shipped instrument, with a bar length (USDJPY_H1), or a .toml file.",
                _line("instrument", self.instrument),
                "",
                "# Clock of the files: london-5h (HistData's), UTC, a zone such as Europe/Berlin, or UTC-5.",
                _line("clock", self.clock, "london-5h"),
                "# The moment of a bar that its timestamp is: open or close.",
                _line("stamped", self.stamped),
                "",
                "# Where versions and decisions are kept: a folder, or s3://bucket/prefix (credentials: AWS_*).",
                _line("registry", self.registry),
                "",
                "# Where alerts go: a webhook (https://...) or an Apprise URL; without it none is sent. An address",
                "# that is a secret belongs in the variable RETRAIN_ALERT_URL, or keep this file out of git.",
                _line("alert_url", self.alert_url, "https://example.org/hook"),
                "",
            ]
        )


def init(
    data: Annotated[str | None, typer.Option(help="Folder or s3:// prefix of the bars; default: looked for.")] = None,
    clock: Annotated[str | None, typer.Option(help="Clock of the files; default: the one that fits them.")] = None,
    instrument: Annotated[str | None, typer.Option(help="What the bars are of; default: by their names.")] = None,
    registry: Annotated[str | None, typer.Option(help="Folder or s3://bucket/prefix of the registry.")] = None,
    alert_url: Annotated[str | None, typer.Option(help="Where alerts go: a webhook or an Apprise URL.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Take what is found, ask nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the retrain.toml that is there.")] = False,
) -> None:
    """A settings file, retrain.toml, in this folder: asks for bars, clock, registry and alerts, or takes options."""
    path = Path.cwd() / NAME
    if path.exists() and not force:
        raise RequestRefused(f"{path} is there already: edit it, or --force replaces it")
    asking = not yes and sys.stdin is not None and sys.stdin.isatty()
    if not asking and not yes and data is None:
        raise RequestRefused(
            "this is no terminal, so nothing can be asked: give --data FOLDER (and --registry, --clock, --instrument, "
            "--alert-url where they differ), or --yes to take what is found"
        )
    console = Console(highlight=False, soft_wrap=True)
    if clock is not None:
        FileClock.parse(clock)
    given = Answers(registry=registry or Answers.registry, alert_url=alert_url)
    answers = _bars(replace(given, data=data, clock=clock, instrument=instrument or ""), console, asking=asking)
    if asking and registry is None:
        answers = replace(answers, registry=_ask("Registry, a folder or s3://bucket/prefix", answers.registry))
    _check_registry(answers, console, SystemClock())
    if asking and alert_url is None:
        answers = replace(answers, alert_url=_ask("Alerts, a webhook or an Apprise URL; empty: none", "") or None)
    write_atomically(path, answers.text.encode(), mode=0o666 if answers.alert_url is None else 0o600)
    console.print(f"written: {path}", markup=False)
    for step in ("retrain doctor    whether anything is missing", "retrain run       the first night"):
        console.print(f"  {as_typed(step)}", markup=False)


def _bars(answers: Answers, console: Console, *, asking: bool) -> Answers:
    """The answers with data, instrument and clock: given, found and confirmed."""
    if answers.data is None:
        found = yearly_files(Path.cwd())
        for each in found:
            console.print(f"found {each}", markup=False)
        usual = _shown(found[0].folder) if found else ""
        if not found:
            _say_exports(console)
        chosen = _ask("Bars, a folder or s3:// prefix; empty: a simulated sample", usual) if asking else usual
        answers = replace(answers, data=chosen or None)
    if answers.data is None:
        instrument = answers.instrument or Answers.instrument
        find_instrument(instrument)
        return replace(answers, instrument=instrument)
    data = answers.data
    if not answers.instrument:
        local = [] if is_bucket(data, "a place for bars") else yearly_files(Path(data).expanduser())
        usual = local[0].instrument.removesuffix("_M15") if local else Answers.instrument
        answers = replace(answers, instrument=_ask("Instrument", usual) if asking else usual)
    try:
        read = read_bars(data, answers.instrument, SystemClock().now(), answers.clock)
    except BarsRejected as error:
        raise BarsRejected(f"{error}\nnothing was written: correct the files, or name another --data") from error
    return _clock(answers, read, console, asking=asking)


def _clock(answers: Answers, read: ReadBars, console: Console, *, asking: bool) -> Answers:
    console.print(f"read {read.bars:,} bars, the newest closed {read.last:%Y-%m-%d %H:%M} UTC", markup=False)
    if not read.findings:
        console.print("plausible: clock, length, prices and features")
    for finding in read.findings[:_SHOWN]:
        console.print(f"  {finding.weight}: {finding.check.label}: {finding.place}: {finding.found}", markup=False)
    if len(read.findings) > _SHOWN:
        more = as_typed("`retrain doctor` shows all")
        console.print(f"  and {len(read.findings) - _SHOWN} more findings; {more}", markup=False)
    if answers.clock is not None:
        return answers
    if read.clock is None:
        usual, sure = default_clock(find_instrument(answers.instrument)), "no weekend shows it"
        stamped = answers.stamped
    else:
        usual, stamped = read.clock.name, read.clock.stamped
        doubt = "" if read.clock.sure else ": look yourself"
        sure = f"{read.clock.fit} of {read.clock.weekends} weekends fit it{doubt}"
    console.print(f"clock of the files: {usual}, bars stamped at their {stamped} ({sure})", markup=False)
    chosen = _ask("Clock", usual) if asking else usual
    FileClock.parse(chosen)
    return replace(answers, clock=chosen, stamped=stamped)


def _check_registry(answers: Answers, console: Console, clock: Clock) -> None:
    """What the doctor finds of the registry; :class:`RequestRefused` where a night could not use it."""
    settings = Settings.model_construct(data=answers.data, instrument=answers.instrument)
    found = list(examine_store(answers.registry, settings.model_name(), clock.now()))
    for finding in found:
        if finding.verdict == "wrong" or (finding.verdict == "look" and is_bucket(answers.registry)):
            for line in finding.lines:
                console.print(line, markup=False)
        elif finding.about == "registry":
            console.print(f"registry: {finding.statement}", markup=False)
    if any(finding.verdict == "wrong" for finding in found):
        raise RequestRefused(f"the registry at {answers.registry} cannot be used, see above; nothing was written")


def _say_exports(console: Console) -> None:
    exports = raw_exports(Path.cwd())
    if not exports:
        return
    shown = " ".join(shlex.quote(_shown(path)) for path in exports[:3])
    more = f" and {len(exports) - 3} more" if len(exports) > 3 else ""
    build = as_typed(f"`retrain features {shown}{' ...' if more else ''} --out features`")
    console.print(f"found exports of prices: {shown}{more}; {build} makes yearly files of them", markup=False)


def _ask(question: str, usual: str) -> str:
    return str(typer.prompt(question, default=usual, show_default=bool(usual))).strip()


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _line(key: str, value: str | None, example: str = "") -> str:
    """A line of TOML; a comment where there is no value. JSON's strings are TOML's."""
    text = json.dumps(example if value is None else value, ensure_ascii=False)
    return f"{'# ' if value is None else ''}{key} = {text}"
