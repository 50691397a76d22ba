"""The serving example under load: a promotion, an outage and a suspend, and not one failed request."""

from __future__ import annotations

import asyncio
import importlib.util
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import httpx
import numpy as np
import pytest
import uvicorn
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from registry import Follower, Model, Registry, SystemClock, VersionRecord
from registry.archive.archive import pack
from registry.archive.input_schema import InputSchema
from registry.errors import StoreUnavailable
from tests.paths import ROOT
from tests.servers.stores import MemoryStore

NAME = "gbpusd"
BAR = {"rsi_14": [55.0], "atr_14": [0.02], "close_15m": [1.25]}
WHO = {"author": "ada", "reason": "news at noon"}
RATE = 200
"""Requests a second."""


class DownStore(MemoryStore):
    """A store that does not answer while it is ``down``."""

    down = False

    def list(self, prefix: str, *, limit: int | None = None, after: str | None = None) -> list[str]:
        if self.down:
            raise StoreUnavailable("the store does not answer")
        return super().list(prefix, limit=limit, after=after)


@pytest.fixture(scope="module")
def example() -> ModuleType:
    place = ROOT / "examples" / "serve.py"
    spec = importlib.util.spec_from_file_location("serve_example", place)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def crown(model: Model, estimator: Any, features: tuple[str, ...]) -> None:
    """One more champion, trained on nothing in particular."""
    x = np.random.default_rng(1).normal(size=(100, len(features)))
    fitted = estimator.fit(x, x[:, 0] > 0)
    record = VersionRecord(metrics={"accuracy": 0.51}, measured_on={"bars": 1000, "no_skill": 0.506})
    version = model.register(pack(fitted, InputSchema(features)), record, author="trainer")
    body = {"sentence": f"promoted: {version}"}
    model.promote(version, expected=model.champion(), author="gate", body=body)


@pytest.fixture
def store() -> DownStore:
    return DownStore()


@pytest.fixture
def model(store: DownStore) -> Model:
    made = Registry(store).model(NAME)
    crown(made, DecisionTreeClassifier(max_depth=3), ("rsi_14", "atr_14"))
    return made


@pytest.fixture
def champion(model: Model, store: DownStore) -> Iterator[Follower]:
    clock = SystemClock()
    with Follower(Registry(store).model(NAME), clock=clock, every=0.05) as follower:
        yield follower


@pytest.fixture
def url(example: ModuleType, champion: Follower) -> Iterator[str]:
    """The service on a free port, in a thread of this process, gone afterwards."""
    server = uvicorn.Server(uvicorn.Config(example.service(champion), port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started)
        [listening] = server.servers
        host, port = listening.sockets[0].getsockname()
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        thread.join()


def wait_until(happened: Callable[[], bool], seconds: float = 20.0) -> None:
    pause, until = threading.Event(), time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until, "it did not happen"
        pause.wait(0.01)


@dataclass
class Load:
    """``RATE`` requests a second until :meth:`stop`, from a thread of its own; ``answers`` in order of sending."""

    url: str
    answers: list[dict[str, Any]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Load:
        self.thread = threading.Thread(target=lambda: asyncio.run(self._send()))
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.thread.join()

    def until(self, holds: Callable[[dict[str, Any]], bool]) -> None:
        """Wait for half a second's worth of answers, from now on, for which ``holds``."""
        seen = len(self.answers)
        wait_until(lambda: sum(holds(answer) for answer in self.answers[seen:]) > RATE / 2)

    async def _send(self) -> None:
        limits = httpx.Limits(max_connections=50)
        async with httpx.AsyncClient(base_url=self.url, limits=limits, timeout=30) as client:
            sent: list[asyncio.Task[None]] = []
            began = time.monotonic()
            while not self.stopping.is_set():
                sent.append(asyncio.create_task(self._one(client)))
                await asyncio.sleep(max(0.0, began + len(sent) / RATE - time.monotonic()))
            await asyncio.gather(*sent)

    async def _one(self, client: httpx.AsyncClient) -> None:
        try:
            answer = await client.post("/predict", json=BAR)
        except httpx.HTTPError as error:
            self.failed.append(repr(error))
            return
        if answer.status_code == 200:
            self.answers.append(answer.json())
        else:
            self.failed.append(answer.text)


def test_no_request_fails_through_a_promotion_an_outage_and_a_suspend(url, model, store):
    with Load(url) as load:
        load.until(lambda answer: answer.get("version") == "v1")
        crown(model, LogisticRegression(), ("close_15m", "rsi_14", "atr_14"))
        load.until(lambda answer: answer.get("version") == "v2")
        store.down = True
        load.until(lambda answer: answer["stale_seconds"] > 0.2)
        health = httpx.get(f"{url}/health").json()
        store.down = False
        load.until(lambda answer: answer["stale_seconds"] == 0)
        model.suspend(**WHO)
        load.until(lambda answer: answer["stand_aside"] is not None)
        model.resume(**WHO)
        load.until(lambda answer: answer["stand_aside"] is None)
    assert load.failed == []
    assert len(load.answers) > 3 * RATE
    assert (health["state"], health["version"]) == ("stale", "v2")
    assert "does not answer" in health["problem"]
    assert {answer["stand_aside"] is None or "news at noon" in answer["stand_aside"] for answer in load.answers} == {
        True
    }
    assert {answer.get("version") for answer in load.answers} == {"v1", "v2", None}


def test_an_answer_says_what_a_caller_needs_to_know(url):
    said = httpx.post(f"{url}/predict", json=BAR).json()
    assert said["says"] == ["up" if said["score"][0] > 0.5 else "down"]
    assert (said["probability"]["source"], said["probability"]["value"]) == ("unknown", None)
    assert (said["version"], said["cut"], said["stale_seconds"]) == ("v1", 0.5, 0.0)
    assert (said["expected"]["bars"], said["expected"]["no_skill"]) == (1000, 0.506)


def test_the_champion_and_why_it_is_one_are_told(url):
    about = httpx.get(f"{url}/champion").json()
    assert (about["version"], about["how"], about["by"], about["served_from"]) == ("v1", "promoted", "gate", "arrays")
    assert about["columns"] == ["rsi_14", "atr_14"]
    assert "right on 51.0% of 1,000 bars" in about["expected"]


@pytest.mark.parametrize(
    ("bar", "why"),
    [
        ({"rsi_14": [55.0]}, "column atr_14 is missing"),
        ({"rsi_14": [55.0], "atr_14": [0.1, 0.2]}, "differ in length"),
        ({"rsi_14": ["high"], "atr_14": [0.1]}, "column rsi_14 is"),
        ([1, 2], "dict"),
    ],
)
def test_a_bar_that_does_not_fit_is_the_callers_mistake(url, bar, why):
    answer = httpx.post(f"{url}/predict", json=bar)
    assert answer.status_code == 422
    assert why in answer.text


def test_while_suspended_the_champion_is_not_shown(url, champion, model):
    model.suspend(**WHO)
    champion.refresh()
    assert "news at noon" in httpx.post(f"{url}/predict", json=BAR).json()["stand_aside"]
    assert httpx.get(f"{url}/champion").status_code == 503
    assert httpx.get(f"{url}/health").json()["state"] == "suspended"
