"""``python -m tests.fuzz``: every target for its share of some seconds, one process each, as many at once as there are
cores (``make fuzz``).

Exit status 1 where anything was found; what was found lies in the folder, with the input and the traceback.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.fuzz.campaign import Campaign
from tests.fuzz.targets import TARGETS
from tests.paths import ROOT

FOLDER = ROOT / ".fuzz"
MEMORY = 6 << 30
"""Address space of a target's process, so that an input that asks for more ends in a MemoryError."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Fuzz every target for its share of the time.")
    parser.add_argument("--seconds", type=float, default=3600, help="of one core, for all targets together")
    parser.add_argument("--targets", nargs="*", default=[*TARGETS], choices=[*TARGETS])
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the changes; printed")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where corpus and finds are kept")
    parser.add_argument("--here", action="store_true", help="the one target in this process")
    options = parser.parse_args()
    if options.here:
        return alone(options.targets[0], options.seconds, options.seed, options.folder)
    sys.stdout.write(f"seed {options.seed}, {options.seconds:.0f} s, corpus and finds in {options.folder}\n")
    sys.stdout.flush()
    share = options.seconds / len(options.targets)
    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        return max(pool.map(lambda name: in_a_process(name, share, options.seed, options.folder), options.targets))
    finally:
        pool.shutdown(cancel_futures=True)  # Ctrl-C begins no other target


def alone(name: str, seconds: float, seed: int, folder: Path) -> int:
    target = TARGETS[name]()
    campaign = Campaign(target, folder / name, seed)
    campaign.folder.mkdir(parents=True, exist_ok=True)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    started = time.monotonic()
    campaign.run(seconds)
    spent = time.monotonic() - started
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rate = campaign.executions / max(spent, 1e-9)
    sys.__stdout__.write(
        f"{name:<12}{campaign.executions:>10,} executions ({rate:,.0f}/s), {len(campaign.ends)} ways to end, "
        f"{len(campaign.finds)} finds, {memory:,.0f} MB at most\n"
    )
    for end in campaign.finds:
        sys.__stdout__.write(f"    {end}\n")
    facts = {"target": name, "seed": seed, "executions": campaign.executions, "finds": sorted(campaign.finds)}
    with (folder / "executions.jsonl").open("a") as log:
        log.write(json.dumps(facts) + "\n")
    return 1 if campaign.finds else 0


def in_a_process(name: str, seconds: float, seed: int, folder: Path) -> int:
    """A process that dies is a find too: the input that it died of is kept."""
    stop, status = time.monotonic() + seconds, 0
    while (left := stop - time.monotonic()) > 0.5:
        asked = [f"--seconds={left}", f"--seed={seed}", f"--folder={folder}", "--here", "--targets", name]
        done = subprocess.run([sys.executable, "-m", "tests.fuzz", *asked], cwd=ROOT, env=_environment(), check=False)
        status = max(status, int(done.returncode != 0))
        if done.returncode in (0, 1, -signal.SIGINT):
            break
        seed += 1
        last = folder / name / "last"
        if last.exists():
            last.rename(last.with_name(f"died-{-done.returncode}-{seed}"))
        sys.stdout.write(f"{name}: the process died by {done.returncode}; its input is kept in {folder / name}\n")
    return status


def _environment() -> dict[str, str]:
    """One thread for every library, and nothing of this machine's registry or credentials."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RETRAIN_", "AWS_", "PREFECT_"))}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {**kept, **threads, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}


if __name__ == "__main__":
    sys.exit(main())
