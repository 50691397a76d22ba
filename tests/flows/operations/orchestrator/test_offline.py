"""``retrain up`` and a night through it in a network namespace of their own, which has loopback and no route.

The kernel counts what was sent nowhere (a name looked up counts too), whichever library tried. Runs with
``TEST_SLOW=1`` where a user may make namespaces.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.server,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not os.environ.get("TEST_SLOW"), reason="takes a minute; make test-slow"),
]

COUNT = r"""
awk '/^Ip:/ && !n {for (i = 1; i <= NF; i++) if ($i == "OutNoRoutes") n = i; next}
     /^Ip:/ {print $n}' /proc/net/snmp
awk '$1 == "Ip6OutNoRoutes" {print $2}' /proc/net/snmp6
"""

NIGHT = "retrain run --prefect --recipe logistic --no-backfill --as-of 2024-06-05T21:00Z"
UP = f"""
retrain up --home "$PWD/prefect" > up.log 2>&1 & up=$!
until grep -q "Ctrl-C stops" up.log; do kill -0 $up || {{ cat up.log; exit 1; }}; sleep 0.2; done
export PREFECT_API_URL=http://127.0.0.1:4200/api
{NIGHT} > run.log 2>&1 || {{ cat run.log; exit 1; }}
retrain doctor > doctor.log
kill $up
wait $up
"""


def sent_nowhere(script: str, folder: Path, **env: str) -> int:
    """How many packets had no route while the script ran in a namespace of its own."""
    unshare = shutil.which("unshare")
    if unshare is None or shutil.which("ip") is None:
        pytest.skip("unshare and ip are not installed")
    if subprocess.run([unshare, "-rn", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this user may not make a network namespace")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "RETRAIN_"))}
    kept["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    command = [unshare, "-rn", "sh", "-ec", f"ip link set lo up\n{script}\n{COUNT}"]
    done = subprocess.run(command, env=kept | env, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return sum(map(int, done.stdout.split()[-2:]))


def test_up_and_a_night_ask_nobody_outside(tmp_path: Path, sample: Path) -> None:
    assert sent_nowhere(UP, tmp_path, RETRAIN_DATA=str(sample), RETRAIN_MODEL="m", RETRAIN_CORES="1") == 0
    assert "m: night of 2024-06-05" in (tmp_path / "run.log").read_text()
    assert "worker: up online" in (tmp_path / "doctor.log").read_text()


@pytest.mark.parametrize("address", ["http://192.0.2.1", "http://nobody.example.org"])
def test_the_kernel_counts_whatever_would_leave(tmp_path: Path, address: str) -> None:
    ask = f"import urllib.request as r\ntry: r.urlopen('{address}', timeout=5)\nexcept OSError: pass"
    assert sent_nowhere(f'{sys.executable} -c "{ask}"', tmp_path) > 0
