"""Connections to EVM chains: JSON-RPC endpoints, agreement between them, transactions and who signs them.

Source:  Ethereum JSON-RPC (execution-apis), EIP-1898 (calls at a block hash), EIP-1559 and EIP-155 (transactions).

Knows chains and accounts, no contract: the ledger backend and did:ethr say what is called.
"""
