"""Keys: five signature curves and that of BBS, JWK and Multikey, compact JWS, and the key store port."""

from __future__ import annotations

from ssi.keys.curves import Curve
from ssi.keys.kms import BbsKms, KeyInfo, KeyPurpose, Kms
from ssi.keys.private import PrivateKey
from ssi.keys.public import PublicKey
from ssi.keys.stores import open_kms

__all__ = ["BbsKms", "Curve", "KeyInfo", "KeyPurpose", "Kms", "PrivateKey", "PublicKey", "open_kms"]
