"""Measurements: our operation beside the bare primitive and the peers, in one process (`make bench`)."""
