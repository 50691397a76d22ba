"""Is the champion still good? Its health, the CUSUM watch and drift."""
