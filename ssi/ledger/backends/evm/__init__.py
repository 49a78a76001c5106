"""The ledger on an EVM chain: our own contract keeps the tree head, a local mirror keeps what was read from it.

Source:  design decisions 7 and 14; RFC 6962, section 2.1.

``ledger`` is the port, ``url`` names one, ``contract`` speaks to the contract, ``reader`` follows the chain, ``writer``
appends, ``mirror`` is the local file.
"""
