"""A run through Prefect that writes down what it asks Prefect's server.

``python -m benchmarks.asked REPORT run --prefect …`` is ``retrain run --prefect …``, and leaves in the file REPORT::

    {"imports": 1.02,                       CPU seconds of importing Prefect, after what a plain run imports
     "ending": 0.51,                        seconds from the answer to the run's last state until the flow returns
     "requests": [{"what": "POST /artifacts/", "ours": true, "waits": true, "seconds": 0.012}, …]}

``ours``: this project's code asked, not Prefect's engine. ``waits``: the night waits for the answer; the rest (logs) is
asked by a thread beside it. Events go through one websocket, beside the night as well, and are not requests.
"""

from __future__ import annotations

import json
import re
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

import httpx

_NAMED = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<=/variables/name/)\w+")
"""Ids in a path, and the name of a variable: requests of the same kind are counted together."""

_FLOWS = str(Path(__file__).resolve().parents[1] / "flows")
_ENGINE = ("flow_engine.py", "task_engine.py", "engine.py", "results.py")


class Asked:
    """The requests of this process, through the clients of httpx that Prefect uses."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.last_state = 0.0
        """When the newest state of the run was answered."""

    def write_down(self) -> None:
        """From now on every request is written down."""
        send, send_beside = httpx.Client.send, httpx.AsyncClient.send

        def noted(client: httpx.Client, request: httpx.Request, **how: Any) -> httpx.Response:
            begun = time.perf_counter()
            answer = send(client, request, **how)
            self._add(request, time.perf_counter() - begun)
            return answer

        async def noted_beside(client: httpx.AsyncClient, request: httpx.Request, **how: Any) -> httpx.Response:
            begun = time.perf_counter()
            answer = await send_beside(client, request, **how)
            self._add(request, time.perf_counter() - begun)
            return answer

        httpx.Client.send = noted  # type: ignore[method-assign]  # both clients are made by Prefect, out of reach
        httpx.AsyncClient.send = noted_beside  # type: ignore[method-assign]  # as above

    def _add(self, request: httpx.Request, seconds: float) -> None:
        path = _NAMED.sub("…", request.url.path.removeprefix("/api"))
        if path.endswith("/set_state"):
            self.last_state = time.perf_counter()
        waits = threading.current_thread() is threading.main_thread()
        self.requests.append(
            {"what": f"{request.method} {path}", "ours": _is_ours(), "waits": waits, "seconds": seconds}
        )


def _is_ours() -> bool:
    """Whether of Prefect's engine and this project's code the latter is nearer to the request."""
    for frame in reversed(traceback.extract_stack()):
        if frame.filename.startswith(_FLOWS):
            return True
        if Path(frame.filename).name in _ENGINE:
            return False
    return False


def main() -> None:
    """The command line after the report's path is that of ``retrain``."""
    report = Path(sys.argv.pop(1))
    asked, took = Asked(), {"imports": 0.0, "ending": 0.0}
    asked.write_down()
    from flows.cli import main as retrain
    from flows.commands import run

    def through_prefect(request: Any, console: Any) -> Any:  # the screen is not shown here
        begun = time.process_time()
        run.prepare_environment()
        from flows.retrain import retrain as flow

        took["imports"] = time.process_time() - begun
        outcome = flow(request)
        took["ending"] = time.perf_counter() - asked.last_state
        return outcome

    run._run_flow = through_prefect
    try:
        retrain()
    finally:
        report.write_text(json.dumps({**took, "requests": asked.requests}))


if __name__ == "__main__":
    main()
