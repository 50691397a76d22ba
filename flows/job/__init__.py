"""What a run is asked for: the request, its form, and the checked job made of it."""
