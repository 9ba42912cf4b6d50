"""Panel objects that show one thing each, kept up to date from the session's state."""
