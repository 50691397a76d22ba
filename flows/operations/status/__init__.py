"""What `retrain status` and the hourly watch report."""
