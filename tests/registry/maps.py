"""A map from score to probability that production uses."""

from __future__ import annotations

from registry.model.probability import ProbabilityMap

USED = ProbabilityMap(
    bars=31_020,
    days=341,
    base=0.496,
    base_error=0.003,
    centre=0.1,
    scale=0.5,
    intercept=-0.02,
    slope=0.05,
    intercept_variance=0.0001,
    covariance=0.00002,
    slope_variance=0.0004,
    judged=250,
    skill=0.0007,
    skill_error=0.0002,
)
