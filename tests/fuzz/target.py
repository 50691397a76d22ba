"""What a fuzz target is: how its inputs are made, what is done with one, and how long that may take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from flows.errors import RetrainError
from registry.errors import RegistryError

TYPED = (RegistryError, RetrainError)
"""What an input may end in, beside a result."""


@dataclass(frozen=True)
class Target:
    """``seeds``: real inputs. ``mutate``: another input, made of one. ``run``: what a reader does with it; raises one
    of ``allowed`` or ends well, and may say how. ``seconds``: longer is a hang. ``native``: compiled code reads the
    input, so that the process may die of it."""

    name: str
    seeds: Callable[[], Sequence[bytes]]
    mutate: Callable[[Random, bytes], bytes]
    run: Callable[[bytes], str | None]
    allowed: tuple[type[BaseException], ...] = TYPED
    seconds: float = 5.0
    native: bool = False
