"""One ``retrain up`` a database: a second one on another port names the living one and starts nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.paths import ROOT
from tests.servers.processes import free_ports

HOLDER = """
import sys
from pathlib import Path
from flows.operations.orchestrator import up
with up._alone(up.Place(Path(sys.argv[1]), port=int(sys.argv[2]))):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_one_on_another_port_names_the_living_one(tmp_path: Path) -> None:
    first, second = free_ports(2)
    home, env = tmp_path / "prefect", {**os.environ, "PYTHONPATH": str(ROOT)}
    home.mkdir()

    def second_one() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "flows.cli", "up", "--port", str(second), "--home", str(home)]
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False)

    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(home), str(first)],
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        refused = second_one()
        assert refused.returncode == 1 and "Starting" not in refused.stdout
        assert f"running already: process {holder.pid} at http://127.0.0.1:{first}" in refused.stderr
        assert f"database in {home}" in refused.stderr and "--home FOLDER" in refused.stderr
        assert sorted(path.name for path in home.iterdir()) == ["up.lock"]
        holder.kill()  # the kernel gives the lock back
