"""The charts: plain values in, a Matplotlib figure out (or, in :mod:`.interactive`, a Plotly one)."""
