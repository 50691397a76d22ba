"""Converters: for each class of estimator, how its fitted state becomes steps of a program.

::

    find(estimator)                     # its Converter; NotPortable where there is none
    known()                             # every converter by name: ours, and those of installed packages

A converter is a function ``convert(writer, estimator, x)``: ``x`` is the input of the estimator in the program that
``writer`` writes, and it gives back a :class:`~registry.archive.portable.converters.writer.Converted`. Another package
adds one by an entry point of the group ``champion_gate.estimators``, see ``docs/estimators.md``.

Nothing here is imported by what only predicts, and no library of estimators is imported here: a fitted estimator is
known by the name of its class.
"""
