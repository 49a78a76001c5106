"""What cryptosuites with selective disclosure share: which statements of a document are meant, and how they are named.

Source:  W3C Data Integrity ECDSA Cryptosuites v1.0, 3.4 and 3.5 (the primitives); Data Integrity BBS Cryptosuites, 3.2.
"""
