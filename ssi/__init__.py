"""The shared core: encodings, keys, DIDs, ledger, registry, credentials and status."""

__version__ = "0.1.0"
