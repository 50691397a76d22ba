"""Every fuzz target runs; a few changed inputs of each end well or in one typed error. `make fuzz` runs millions."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from registry.errors import RegistryError
from tests.fuzz.campaign import Campaign, Hang
from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS

FEW = {"registries": 15, "arguments": 15, "models": 60}


@pytest.mark.parametrize("name", TARGETS)
def test_a_few_changed_inputs_end_well_or_in_a_typed_error(name, tmp_path):
    campaign = Campaign(TARGETS[name](), tmp_path, seed=7)
    campaign.run(60, executions=FEW.get(name, 200))
    assert campaign.tracebacks == {} and campaign.executions > 0


def a_target(run) -> Target:
    return Target("odd", lambda: [b"x"], lambda random, data: random.randbytes(3), run, seconds=0.2)


def test_what_is_not_typed_is_found_and_kept_with_its_input(tmp_path):
    def run(data: bytes) -> None:
        if data[0] > 250:
            json.loads(b"{")
        raise RegistryError("refused")

    campaign = Campaign(a_target(run), tmp_path, seed=1)
    campaign.run(30, executions=500)
    (end,) = campaign.finds
    assert end.startswith("JSONDecodeError") and campaign.finds[end][0] > 250
    kept = [path.read_bytes() for path in (tmp_path / "finds").iterdir() if not path.suffix]
    assert kept == [campaign.finds[end]]


def test_a_hang_is_found(tmp_path):
    def run(data: bytes) -> None:
        if data != b"x":
            while True:
                pass

    campaign = Campaign(a_target(run), tmp_path)
    campaign.run(30, executions=1)
    assert [end.split()[0] for end in campaign.finds] == [Hang.__name__]


def test_the_same_seed_makes_the_same_inputs():
    target = TARGETS["entries"]()
    one, other = ([target.mutate(Random(seed), target.seeds()[3]) for seed in range(50)] for _ in range(2))
    assert one == other and len(set(one)) > 40


def test_what_ends_in_a_new_way_is_kept_and_changed_further(tmp_path):
    first = Campaign(TARGETS["entries"](), tmp_path, seed=3)
    first.run(30, executions=300)
    corpus = {path.read_bytes() for path in Path(tmp_path / "corpus").iterdir()}
    assert len(corpus) == len(first.ends)
