"""Where the registry keeps what it has worked out; nothing here cannot be made again from the ledger."""
