"""How a command ends: with what it printed, or with one message and its exit status; never with a traceback of ours.

What goes wrong on standard output ends no act half-way: a night whose reader went away (``| head``) is finished, and
ends as it would have ended. A full disk below standard output is said at the end.
"""

from __future__ import annotations

import atexit
import gc
import io
import json
import multiprocessing
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import typer

from registry.commands.output import print_escaped
from registry.commands.settings_file import use_settings_file
from registry.commands.typed import as_typed
from registry.commands.variables import unknown_variables
from registry.errors import InvalidRequest, RegistryError
from registry.format.phrases import shortened
from registry.store.secrets import masked

INTERRUPTED = 130
"""The status of a command that Ctrl-C ended: 128 and the number of the signal, as shells have it."""

CYCLES_AFTER = 50_000
"""How many new objects there are before Python looks for cycles among them; by default 700, which is for programs that
run for long. A command imports some 200,000 objects, none of them in a cycle that is done with."""

# the base of all errors of usage; it stands in click or in typer, by typer's version
_UsageFault: Any = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")


def run_command(name: str, app: Callable[..., Any], errors: tuple[type[Exception], ...] = (RegistryError,)) -> NoReturn:
    """Runs the command line ``name`` and exits with its status.

    ``errors``: those a person can act on, each with an ``exit_status``; others are faults of ours and shown whole. With
    ``--json`` an error is also one JSON object on standard output, where a program reads.
    """
    _spare_the_collector()
    streams = _replace_streams()
    print_escaped()
    status, fault = _outcome(name, app, errors)
    if fault is not None and "--json" in sys.argv[1:]:
        sys.stdout.write(json.dumps({"error": fault | {"status": status}}, indent=2, ensure_ascii=False) + "\n")
    status = _written(name, streams) or status
    if status == INTERRUPTED:
        # What threads still do (a fit, a request) is not waited for: nothing of it is wanted, and every write is whole
        # or not there. By the plain way Python may also end as if it had never met the signal (status −2).
        for worker in multiprocessing.active_children():
            worker.kill()
        atexit._run_exitfuncs()
        os._exit(INTERRUPTED)
    sys.exit(status)


def _spare_the_collector() -> None:
    """Python's collector of cycles looks seldom while a command runs, and not at its end.

    At its end the interpreter looks through all that was imported, to free memory that goes back a moment later anyway:
    0.4 s for a night, 0.7 through Prefect. What has to be closed is closed by then.
    """
    gc.set_threshold(CYCLES_AFTER)
    atexit.register(gc.freeze)


def _outcome(
    name: str, app: Callable[..., Any], errors: tuple[type[Exception], ...]
) -> tuple[int, dict[str, Any] | None]:
    """The exit status, and what an error says to a program; a person reads it on standard error."""
    try:
        _take_settings()
        status = app(standalone_mode=False)
        if status == INTERRUPTED:  # typer's word for Ctrl-C
            return _interrupted(name)
        return (status if isinstance(status, int) else 0), None
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted(name)
    except _UsageFault as wrong:
        wrong.show()
        return wrong.exit_code, {"kind": "Usage", "message": wrong.format_message()}
    except errors as error:
        message = shortened(masked(str(error)))
        _say(f"{name}: {as_typed(message)}")
        return getattr(error, "exit_status", 1), {"kind": type(error).__name__, "message": message}


def _interrupted(name: str) -> tuple[int, dict[str, Any]]:
    message = "stopped by Ctrl-C; what was written before is whole, and the same command does the rest"
    _say(f"{name}: {message}")
    return INTERRUPTED, {"kind": "Interrupted", "message": message}


def _say(message: str) -> None:
    sys.stderr.write(message + "\n")


def _take_settings() -> None:
    """The variables are known ones, and those that are empty get what a settings file says."""
    completing = any(name.endswith("_COMPLETE") for name in os.environ)  # a shell that completes shows no message
    try:
        wrong = unknown_variables(os.environ)
        if wrong is not None:
            raise InvalidRequest(wrong)
        use_settings_file()
    except InvalidRequest:
        if not completing and "--help" not in sys.argv[1:]:
            raise


class _Enduring(io.FileIO):
    """A file that may be written to without end: its first fault is kept, and what follows is dropped."""

    fault: OSError | None = None

    def write(self, data: Any) -> int:
        if self.fault is None:
            try:
                return super().write(data)
            except OSError as fault:
                self.fault = fault
        return memoryview(data).nbytes


def _replace_streams() -> dict[str, _Enduring]:
    """Standard output and error, where they are real files, from now on endure; a closed one is the null device."""
    enduring = {}
    for stream_name in ("stdout", "stderr"):
        stream = getattr(sys, stream_name)
        if stream is None:
            setattr(sys, stream_name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115  # until the end
            continue
        try:
            raw = _Enduring(stream.fileno(), "wb", closefd=False)
        except (OSError, ValueError):
            continue  # a test's stream in memory, or a descriptor that is only for reading
        stream.flush()
        text = io.TextIOWrapper(
            io.BufferedWriter(raw),
            encoding=stream.encoding,
            errors=stream.errors,
            line_buffering=stream.line_buffering,
            write_through=stream.write_through,
        )
        setattr(sys, stream_name, text)
        enduring[stream_name] = raw
    return enduring


def _written(name: str, streams: dict[str, _Enduring]) -> int:
    """Zero where all that was printed is out or nobody wanted it, else 1 and a message."""
    sys.stdout.flush()
    fault = streams["stdout"].fault if "stdout" in streams else None
    status = 0
    if fault is not None and not isinstance(fault, BrokenPipeError):
        _say(f"{name}: what was to be printed is lost ({fault.strerror}); what the command did is done")
        status = 1
    sys.stderr.flush()
    return status
