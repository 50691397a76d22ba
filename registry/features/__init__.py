"""Features as expressions over columns: a closed grammar, its trees, and the one evaluator of training and serving.

::

    tree = parse("zscore(close_15m, 48) / 2")           # Expression, or InvalidRequest with the place of the fault
    str(tree), tree.to_json(), tree.bars                # one spelling, the form a version stores, bars it looks back on
    values(tree, bars, start, stop)                     # numpy: the same bits for any rows around them

Nothing is run as code, and no expression can read a bar later than the one that it is asked about: every window ends
with it, a lag is at least one bar, and ``at`` sees longer bars only once they have closed. A version whose features are
the four plain forms loads nothing of this. See docs/features.md.
"""
