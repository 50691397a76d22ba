"""A thousand instruments, ten recipes each: the requests of their nights, and how a store that throttles answers them.

The requests are those of a real night with ten recipes, recorded; the crowd is simulated. ``docs/scale.md`` has the
arithmetic.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

from benchmarks.bench import Bench
from benchmarks.figure import Figure
from benchmarks.throttling import Limits, Request, Rush, rush
from flows.bars import load_bars, prepare, write_sample
from flows.job.plan import plan
from flows.job.request import Advanced, RetrainRequest
from flows.night import steps
from flows.night.state import NightContext
from flows.settings import Settings
from registry import Registry, SystemClock
from registry.store import Store, Stored, connect

TITLE = "A thousand instruments (simulated against a throttling store)"

INSTRUMENTS, RECIPES = 1_000, 10
FIT_SECONDS = 15.0
"""Of ten recipes on one core: about that of the shipped six and four like them."""

EVIDENCE_FILES = 1 + 26 + 23
"""At most: the backfill, two years of months, and the nights of the present one."""


def measure(bench: Bench) -> Iterator[Figure]:
    """Requests of one night, then of a thousand: a hundred at a time, all in the same instant, on a weak store."""
    night = in_two_years(recorded(bench))
    verbs = Counter(request.verb for request in night)
    for verb in ("list", "get", "put"):
        yield _count(f"{verb.upper()} of one instrument's night, ten recipes", verbs[verb], "requests")
    herd = {"nights": INSTRUMENTS, "thinking": FIT_SECONDS}
    weak = Limits(reads=550, writes=350)
    yield from _figures("100 at a time, one partition", rush(night, at_once=100, **herd))
    yield from _figures("all in one instant, one partition", rush(night, at_once=INSTRUMENTS, **herd))
    apart = rush(night, at_once=INSTRUMENTS, partition=lambda instrument: instrument % 10, **herd)
    yield from _figures("all in one instant, ten partitions", apart)
    yield from _figures("all within two minutes, one partition", rush(night, at_once=INSTRUMENTS, spread=120.0, **herd))
    yield from _figures("100 at a time, a store of a tenth", rush(night, at_once=100, limits=weak, **herd))
    yield from _figures("25 at a time, a store of a tenth", rush(night, at_once=25, limits=weak, **herd))


def recorded(bench: Bench) -> list[Request]:
    """The requests of a third night with ten recipes that are quickly fitted; their number depends on nothing else."""
    bench.say("a night with ten recipes, recorded")
    place = bench.folder("scale")
    recipes = place / "recipes.toml"
    recipes.write_text("\n".join(_recipe(number) for number in range(RECIPES)))
    bars = write_sample(place / "bars")
    data = prepare(load_bars(bars))
    store = _Recording(connect(place / "registry"))
    settings = Settings(data=str(bars), recipes_file=str(recipes), model="m")
    names = tuple(f"logistic_{number}" for number in range(RECIPES))
    for day in sorted(set(data.trading_day.tolist()))[-3:]:
        store.requests.clear()
        last = data.bars.frame.index[data.trading_day.astype(object) == day][-1]
        as_of = (last + timedelta(minutes=15)).to_pydatetime()
        request = RetrainRequest(as_of=as_of, recipes=names, advanced=Advanced(backfill_days=60))
        job = plan(request, settings)
        model = Registry(store).model(job.model)
        night = NightContext(job, model, steps.load(job), SystemClock())
        evidence = steps.gather(night)
        candidates = [steps.train(night, recipe) for recipe in job.recipes]
        versions = steps.register(night, evidence, candidates)
        steps.promote_or_hold(night, versions, steps.judge(night, evidence, candidates, versions))
    return list(store.requests)


def in_two_years(requests: list[Request]) -> list[Request]:
    """The same night with as many files of evidence as there are ever read."""
    evidence = [request for request in requests if request.verb == "get" and "/evidence/" in request.key]
    more = [replace(evidence[-1])] * (EVIDENCE_FILES - len(evidence))
    at = requests.index(evidence[-1])
    return [*requests[:at], *more, *requests[at:]]


def _recipe(number: int) -> str:
    features = '["rsi_14", "adx_14"]'
    parameters = f"{{ C = {1 + number} }}"
    estimator = "sklearn.linear_model.LogisticRegression"
    return f'[logistic_{number}]\nestimator = "{estimator}"\nparameters = {parameters}\nfeatures = {features}\n'


def _figures(how: str, result: Rush) -> Iterator[Figure]:
    yield _count(f"{how}: refused (503) and asked again", result.refused, "requests")
    yield _count(f"{how}: given up after five attempts", result.given_up, "nights")
    yield _count(f"{how}: busiest second", result.peak_reads, "reads")
    yield _count(f"{how}: until the last night is done", result.seconds, "s")


def _count(what: str, value: float, unit: str) -> Figure:
    return Figure.value_of(what, float(value), unit=unit, bound=None)


@dataclass
class _Recording:
    """A store that records its requests."""

    store: Store
    requests: list[Request] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.store.url

    def create(self, key: str, data: bytes) -> None:
        self.requests.append(Request("put", key, len(data)))
        self.store.create(key, data)

    def get(self, key: str) -> bytes:
        data = self.store.get(key)
        self.requests.append(Request("get", key, len(data)))
        return data

    def folders(self, prefix: str) -> list[str]:
        self.requests.append(Request("list", prefix, 0))
        return self.store.folders(prefix)

    def list(self, prefix: str, *, limit: int | None = None, after: str | None = None) -> list[str]:
        self.requests.append(Request("list", prefix, 0))
        return self.store.list(prefix, limit=limit, after=after)

    def delete(self, key: str) -> None:
        self.requests.append(Request("delete", key, 0))
        self.store.delete(key)

    def stat(self, prefix: str) -> Iterator[Stored]:
        self.requests.append(Request("list", prefix, 0))
        return self.store.stat(prefix)
