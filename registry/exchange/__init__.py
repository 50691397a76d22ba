"""What leaves a registry and what comes in: exports, bundles, a notebook's registry."""
