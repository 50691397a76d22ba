"""Inputs that nobody would write, made from those that somebody wrote: each ends well or in one typed error."""
