"""Recipes are trained on bars here and scored: bars in, fitted scikit-learn models and their figures out.

::

    recipes = choose(["rf_shallow", "stationary"], load_recipes(Path("recipes.toml")))   # or shipped()
    fits = train_all(recipes, dataset, dataset.years(2022), seed=0)                       # the same bytes every time
    p = probabilities(fits[0], fits[0].recipe.signature, holdout_frame)                   # scores, shape (n,)
    score(holdout_label, p, fits[0].cut)                                                  # beside the BASELINES

A recipe is a named scikit-learn classifier plus feature expressions: nothing of our own to subclass. A wrong one raises
:class:`flows.errors.RecipeRefused`, with everything that is wrong, before anything is trained.

scikit-learn takes longer to import than all the rest of a night's code: it is loaded with the first recipe that is
made, so that commands which train nothing do not wait for it.
"""

from flows.recipes.baselines import BASELINES, baseline
from flows.recipes.catalogue import shipped
from flows.recipes.declared import available_names, available_recipes, load_recipes
from flows.recipes.installed import environment
from flows.recipes.predicting import archived_scores, probabilities, says_up
from flows.recipes.recipe import Recipe, check_columns, choose
from flows.recipes.scoring import Scores, score, score_sides
from flows.recipes.training import MINIMUM_ROWS, Fit, Machine, train, train_all

__all__ = [
    "BASELINES",
    "MINIMUM_ROWS",
    "Fit",
    "Machine",
    "Recipe",
    "Scores",
    "archived_scores",
    "available_names",
    "available_recipes",
    "baseline",
    "check_columns",
    "choose",
    "environment",
    "load_recipes",
    "probabilities",
    "says_up",
    "score",
    "score_sides",
    "shipped",
    "train",
    "train_all",
]
