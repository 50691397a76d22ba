"""Parts of the command ``registry`` (:mod:`registry.cli`): what commands share, and the commands of upkeep."""
