"""A demonstration: two months of nights on simulated bars, in which something goes wrong that nobody announces."""
