"""``retrain`` as a program whose night is interrupted, as by Ctrl-C, when it comes to one place: ``PLACE retrain …``.

PLACE is a step of the night, or ``fit``: in a thread that fits, which then goes on for minutes.
"""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
from typing import Any

from flows import cli
from flows.night.run import run_night
from flows.operations.runs import local
from flows.recipes import training


def interrupted(work: Any) -> Any:
    def interrupt(*given: Any, **values: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        return work(*given, **values)

    return interrupt


def main() -> None:
    place, *sys.argv[1:] = sys.argv[1:]
    if place == "fit":
        training._fit = interrupted(training._fit)
        cli.main()
        return

    def night(job: Any, steps: Any) -> Any:
        return run_night(job, dataclasses.replace(steps, **{place: interrupted(getattr(steps, place))}))

    vars(local)["run_night"] = night
    if "--prefect" in sys.argv:
        from flows import retrain

        vars(retrain)["run_night"] = night
    cli.main()


if __name__ == "__main__":
    main()
