"""Issuing agencies: issue, suspend, revoke and reissue credentials by their own case numbers."""
