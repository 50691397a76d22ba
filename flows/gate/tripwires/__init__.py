"""Tripwires find predictability that markets do not have. They take arrays, and can only hold a night back."""
