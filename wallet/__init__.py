"""Holders: keep credentials encrypted, present chosen claims, see what was shown to whom."""
