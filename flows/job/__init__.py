"""A job is what one run does. It is made from a request, which may be filled into a form, and from the settings."""
