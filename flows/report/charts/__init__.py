"""Charts of the report: each function takes plain values and returns a Matplotlib or Plotly figure."""
