"""What a model-risk reviewer reads: one document about the champion of a moment, from what is recorded."""
