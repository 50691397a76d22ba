"""A job is what one run does: a request with its settings, checked before anything is read, trained or written."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from flows.bars import NEXT_BAR, Dataset, Label, load_bars, prepare, write_sample
from flows.bars.beside import beside
from flows.bars.trading_days import NIGHTS_A_YEAR
from flows.errors import RequestRefused
from flows.gate import HoldoutPolicy
from flows.gate.nightly.calibration import BUDGET
from flows.gate.nightly.policy import GatePolicy
from flows.instruments import GBPUSD_M15, Instrument, find_instrument
from flows.instruments.spreads import Spreads
from flows.job.request import Force, RetrainRequest
from flows.pnl.account import NO_SWAP, Swap
from flows.pnl.trading_rules import TradingRule
from flows.recipes import Recipe, available_recipes, choose
from flows.recipes.catalogue import SLOW
from flows.settings import NO_KEYS, Settings, open_model
from registry import Clock, Model, NewId, random_id
from registry.format.entries import Entry
from registry.format.keys import check_name, check_text, is_version
from registry.store.place import is_bucket, local_path
from registry.trust.keyring import Keyring

DEFAULT_REPORTS = Path(".retrain/report")


@dataclass(frozen=True)
class Job:
    """One night's work. ``source``: folder or prefix of the bars; ``registry`` and ``model``: where it goes;
    ``simulated``: no bars are configured, so it is the simulated sample, which never grows."""

    request: RetrainRequest
    source: str
    registry: str
    model: str
    recipes: tuple[Recipe, ...]
    clock: str
    author: str
    cores: int
    simulated: bool = False
    reports: str = str(DEFAULT_REPORTS)
    """Folder of the reports."""
    spreads: Spreads = field(default_factory=Spreads.default)
    swap: Swap = NO_SWAP
    approval: timedelta | None = None
    """How long a promotion waits for a person; None: it needs nobody's yes."""
    keys: Keyring = NO_KEYS
    """Who signs this night, and whom production trusts."""
    policy: HoldoutPolicy = field(default_factory=HoldoutPolicy)
    gate: GatePolicy = field(default_factory=GatePolicy)
    instrument: Instrument = GBPUSD_M15
    most_budget: float | None = None
    """The most that the gate's budget may be, whatever is recorded; None: as recorded."""
    label: Label = NEXT_BAR
    """What the model learns to tell."""
    left_out: tuple[str, ...] = ()
    """Recipes that the sample leaves out because they take most of the time."""

    @property
    def as_of(self) -> datetime | None:
        return self.request.as_of

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the bars that its recipes need, each once."""
        return tuple(dict.fromkeys(column for recipe in self.recipes for column in recipe.signature.columns))

    def load_dataset(
        self, *, years: Iterable[int] | None = None, labels: str = "next_bar", require: Sequence[str] = ()
    ) -> Dataset:
        """The bars of its source that had closed at its as-of, with its label, or as in the notebook where ``labels``
        say so: see :func:`~flows.bars.load_bars` and :func:`~flows.bars.prepare`."""
        bars = load_bars(
            self.source,
            as_of=self.as_of,
            years=years,
            clock=self.clock,
            require=[column for column in require if "." not in column],
            instrument=self.instrument,
        )
        for symbol, columns in self.others.items():
            other = load_bars(
                self.source,
                as_of=bars.as_of.to_pydatetime(),
                years=years,
                clock=self.clock,
                require=columns,
                instrument=find_instrument(f"{symbol}_{self.instrument.bar}"),
            )
            bars = beside(bars, other, symbol, columns)
        return prepare(bars, labels=self.label if labels == "next_bar" else labels)

    @property
    def others(self) -> dict[str, list[str]]:
        """The columns that its recipes read of other instruments, by symbol."""
        read: dict[str, list[str]] = {}
        for column in self.columns:
            symbol, of_another, name = column.partition(".")
            if of_another:
                read.setdefault(symbol, []).append(name)
        return read

    def open_model(self, *, clock: Clock | None = None, new_id: NewId = random_id) -> Model:
        """The model in its registry; nothing is asked of the store yet."""
        return open_model(self.registry, self.model, self.keys, clock=clock, new_id=new_id)

    @property
    def needs_signature(self) -> bool:
        """Whether a promotion of the gate needs an approver's key: approval is asked for, or this night has none."""
        trusted = self.keys.trusted
        return trusted is not None and (self.approval is not None or not trusted.may_promote(self.keys.signer))


def _check_force(force: Force | None, recipes: Sequence[Recipe]) -> None:
    names = [recipe.name for recipe in recipes]
    if force is not None and not is_version(force.promote) and force.promote not in names:
        raise RequestRefused(
            f"force.promote: '{force.promote}' is neither a version (v12) nor a recipe of this run ({', '.join(names)})"
        )


def default_reports(registry: str) -> str:
    """Where reports go by default: beside a registry that is a folder; here, where it is a bucket."""
    return str(DEFAULT_REPORTS if is_bucket(registry) else Path(registry).expanduser().parent / "report")


def plan(request: RetrainRequest, settings: Settings) -> Job:
    """The job of a request; the sample is written on first use where no data is configured.

    Raises :class:`~flows.errors.RecipeRefused`, :class:`~flows.errors.RequestRefused`,
    :class:`~registry.errors.InvalidName`, :class:`~registry.errors.KeyRefused`: nothing was read or trained.
    """
    source = request.advanced.data or settings.data
    model = settings.model_name(request.advanced.model, data=request.advanced.data)
    check_name(model)
    check_text(settings.author, "author")
    instrument = settings.traded
    available = available_recipes(settings.recipes_file, instrument, request.recipes or ())
    label = settings.asked
    if label != NEXT_BAR and request.advanced.labels == "notebook":
        raise RequestRefused(f"labels as in the notebook are of the next bar, and RETRAIN_LABEL is {label}: unset one")
    simulated = source is None
    forced = None if request.force is None else request.force.promote
    left_out = tuple(name for name in SLOW if simulated and not request.recipes and name != forced)
    recipes = tuple(choose(request.recipes or tuple(name for name in available if name not in left_out), available))
    if source is not None:
        is_bucket(source, "a place for bars")
    _check_force(request.force, recipes)
    if source is None:
        if request.advanced.train is not None or request.advanced.labels == "notebook":
            raise RequestRefused("named years and notebook labels are for real files: say where they are with --data")
        source = str(_sample(local_path(settings.sample, "a place for the sample"), instrument))
    place = request.advanced.registry or settings.registry
    return Job(
        request=request,
        source=source,
        registry=place if is_bucket(place) else str(Path(place).expanduser()),
        model=model,
        recipes=recipes,
        clock=settings.file_clock,
        author=settings.author,
        cores=settings.cores or len(os.sched_getaffinity(0)),
        simulated=simulated,
        reports=str(local_path(settings.reports or default_reports(place), "a folder of reports")),
        spreads=Spreads.parse(settings.spreads or instrument.costs.spreads),
        swap=Swap.parse(settings.swap or instrument.costs.swap),
        approval=None if settings.approval_hours is None else timedelta(hours=settings.approval_hours),
        keys=settings.keys,
        gate=default_policy(instrument, label),
        most_budget=None if settings.budget is None else of_its_nights(settings.budget, instrument),
        instrument=instrument,
        label=label,
        left_out=left_out,
    )


def _sample(folder: Path, instrument: Instrument) -> Path:
    """The simulated sample of the instrument: in the folder, of others than the default in one of their own within."""
    return write_sample(folder if instrument == GBPUSD_M15 else folder / instrument.name, instrument=instrument)


def default_policy(instrument: Instrument, label: Label = NEXT_BAR) -> GatePolicy:
    """The policy of a model that none was recorded for.

    A position is held for the bars that the label looks ahead.
    Thresholds are of 250 nights: where a year has more, their budget is smaller, so that it holds for the year.
    """
    return GatePolicy(
        spread_pips=(instrument.costs.spread,),
        budget=of_its_nights(BUDGET, instrument, digits=4),
        trading_rule=TradingRule(hold=label.bars),
    )


def of_its_nights(yearly: float, instrument: Instrument, *, digits: int = 6) -> float:
    """The budget of 250 nights of an instrument, of one for its year."""
    if instrument.counts.year == NIGHTS_A_YEAR:
        return yearly
    years = NIGHTS_A_YEAR / instrument.counts.year
    return round(1.0 - math.pow(1.0 - yearly, years), digits)


def policy_of(job: Job, decisions: Entry | None) -> GatePolicy:
    """The policy recorded in the registry, else the default; with no more of a budget than the job allows, which can
    only ask for more evidence."""
    recorded = None if decisions is None else decisions.state.get("policy")
    policy = job.gate if recorded is None else GatePolicy.from_dict(recorded)
    if job.most_budget is None or policy.budget <= job.most_budget:
        return policy
    return replace(policy, budget=job.most_budget, recorded=True)
