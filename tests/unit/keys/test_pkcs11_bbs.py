"""A store on a PKCS#11 token says that it has no BBS, without touching the token."""

from __future__ import annotations

from typing import Any, cast

import pytest

from ssi.errors import InvalidInputError
from ssi.keys import BbsKms, KeyPurpose
from ssi.keys.backends.pkcs11 import Pkcs11Kms


async def test_a_token_makes_no_bbs_signatures() -> None:
    kms = Pkcs11Kms(cast("Any", None))
    assert isinstance(kms, BbsKms)
    with pytest.raises(InvalidInputError, match="PKCS#11"):
        await kms.bbs_sign("label", header=b"", messages=[b""], purpose=KeyPurpose.CREDENTIAL)
