"""Relying parties: verify presentations against a policy that has no insecure default."""
