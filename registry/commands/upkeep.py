"""The commands ``registry init``, ``verify``, ``gc``, ``fold``, ``copy``: a registry begun, kept whole and small."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

import typer
from rich.console import Console

from registry.commands.default_model import ModelCommands
from registry.commands.options import (
    Author,
    CacheFolder,
    Json,
    ModelName,
    SigningKey,
    Url,
    models_named,
    open_begun,
    open_model,
    open_registry,
)
from registry.commands.output import bar, say, show
from registry.log.identity import check_id
from registry.maintenance import copying, gc, repacking
from registry.maintenance import verify as verifying
from registry.maintenance.findings import Verified
from registry.registry import Registry

app = ModelCommands()

UNCLEAN = 7  # the exit status of stored bytes that are not what they should be
_PRINTED = 20

AnyModel = Annotated[
    str | None,
    typer.Argument(metavar="MODEL", help="Name of the model; all of them if not given.", autocompletion=models_named),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be removed, and remove nothing.")]
Nights = Annotated[
    int, typer.Option(min=1, help="Remove artifacts of versions that were never champion after this many later nights.")
]
Repack = Annotated[
    bool,
    typer.Option(
        "--repack", help="Archives that hold an estimator beside its arrays become arrays alone, their scores the same."
    ),
]
To = Annotated[str, typer.Option("--to", help="Folder, or s3://bucket/prefix, that the model is copied to.")]


@app.command(epilog="Example: registry init --registry s3://models/registry")
def init(
    registry: Url = ".retrain/registry",
    registry_id: Annotated[
        str | None,
        typer.Option("--id", help="The id that it gets, such as that of one whose identity was lost."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Begin a registry and print its id; of one that was begun, print the id.

    With RETRAIN_REGISTRY_ID set to it, a wrong address or a folder that is not mounted is an error and no new registry.
    """
    given = Registry(registry).begin(None if registry_id is None else check_id(registry_id, "--id"))
    show({"registry": given}, as_json, lambda: say(f"{registry}: registry {given}"))


@app.command(epilog="Example: registry verify gbpusd_m15_direction --registry s3://models/registry")
def verify(model: AnyModel = None, registry: Url = ".retrain/registry", as_json: Json = False) -> None:
    """Look at every entry, artifact, evidence file and segment, and at the champion's signature where keys are trusted.

    Status 7 where something is wrong.
    """
    with bar() as progress:
        if model is None:
            reports = verifying.verify_all(open_registry(registry), progress=progress)
        else:
            reports = [verifying.verify(open_begun(registry, model), progress=progress)]
    show([_report_row(report) for report in reports], as_json, lambda: _print_reports(reports, registry))
    if not all(report.clean for report in reports):
        raise typer.Exit(UNCLEAN)


@app.command("gc", epilog="Example: registry gc gbpusd_m15_direction --dry-run")
def collect(
    model: ModelName,
    registry: Url = ".retrain/registry",
    dry_run: DryRun = False,
    nights: Nights = gc.NIGHTS_KEPT,
    signing_key: SigningKey = None,
    as_json: Json = False,
) -> None:
    """Remove what nothing names any more, and retire what is kept long enough; try --dry-run first."""
    with bar() as progress:
        opened = open_begun(registry, model, signing_key)
        done = gc.collect(opened, dry_run=dry_run, nights_kept=nights, progress=progress)
    show({**dataclasses.asdict(done), "bytes": done.bytes}, as_json, lambda: _print_collected(done))


@app.command(epilog="Example: registry fold gbpusd_m15_direction")
def fold(
    model: ModelName, registry: Url = ".retrain/registry", cache: CacheFolder = None, as_json: Json = False
) -> None:
    """Fold old entries into segments, so that history takes few requests."""
    with bar() as progress:
        folded = open_model(registry, model, cache).fold(progress=progress)
    row = {"model": model, "segments": [segment.key for segment in folded.segments], "bytes": folded.bytes}
    _say(row, as_json, f"{model}: {len(folded.segments)} segments added ({folded.bytes / 1e6:,.1f} MB)")


@app.command(epilog="Example: registry copy gbpusd_m15_direction --to s3://backup/registry")
def copy(
    model: ModelName,
    to: To,
    author: Author,
    registry: Url = ".retrain/registry",
    repack: Repack = False,
    signing_key: SigningKey = None,
    as_json: Json = False,
) -> None:
    """Copy a model to another registry, or what is missing there: backup and restore.

    --repack makes a copy to go on with, whose archives of older formats are smaller; author and key sign for these.
    """
    source = open_model(registry, model)
    if not repack:
        with bar() as progress:
            done = copying.copy(source, Registry(to).model(model), progress=progress)
        return _say({**dataclasses.asdict(done), "to": to}, as_json, f"{done} to {to}, both verified")
    with bar() as progress:
        target = open_registry(to, signing_key=signing_key).model(model)
        repacked = repacking.repack(source, target, author=author, progress=progress)
    row = {**dataclasses.asdict(repacked), "to": to}
    return show(row, as_json, lambda: _print_repacked(repacked, to))


def _report_row(report: Verified) -> dict[str, Any]:
    findings = [
        {**dataclasses.asdict(finding), "severity": finding.severity, "mend": finding.fix}
        for finding in report.findings
    ]
    return {**dataclasses.asdict(report), "clean": report.clean, "findings": findings}


def _say(row: dict[str, Any], as_json: bool, sentence: str) -> None:
    show(row, as_json, lambda: _console().print(sentence, markup=False))


def _print_reports(reports: list[Verified], registry: str) -> None:
    console = _console()
    if not reports:
        console.print(f"no models in {registry}", markup=False)
    for report in reports:
        looked = f"{report.entries:,} entries, {report.objects:,} other objects ({report.bytes / 1e6:,.1f} MB)"
        console.print(f"{report.model}: {looked}: {'clean' if report.clean else 'not clean'}", markup=False)
        for finding in report.findings:
            console.print(f"  {finding.severity}: {finding}", markup=False)


def _print_repacked(done: repacking.Repacked, to: str) -> None:
    console = _console()
    console.print(f"{done} to {to}, both verified", markup=False)
    for version, why in done.kept.items():
        console.print(f"  {version} as it was: {why}", markup=False)


def _print_collected(done: gc.Collected) -> None:
    console = _console()
    for garbage in done.garbage[:_PRINTED]:
        console.print(f"  {garbage.why}: {garbage.key} ({garbage.size:,} bytes)", markup=False)
    if len(done.garbage) > _PRINTED:
        console.print(f"  and {len(done.garbage) - _PRINTED:,} more (--json names all)", markup=False)
    console.print(str(done), markup=False)


def _console() -> Console:
    return Console(highlight=False, soft_wrap=True)
