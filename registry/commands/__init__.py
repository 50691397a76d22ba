"""Parts of the command ``registry`` (:mod:`registry.cli`): its commands in groups, their options and their output."""
