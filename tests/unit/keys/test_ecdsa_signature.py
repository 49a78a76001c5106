"""R‖S to DER and back, held against the conversion of ``cryptography``."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from ssi.keys.ecdsa_signature import der_signature, raw_signature


@pytest.mark.parametrize("length", [32, 48])
@given(data=st.data())
def test_der_is_what_cryptography_writes(length: int, data: st.DataObject) -> None:
    # Numbers of every length in bytes: leading zeros and top bits are where a conversion goes wrong.
    number = st.integers(1, length).flatmap(lambda size: st.integers(1, 2 ** (8 * size) - 1))
    r, s = data.draw(number), data.draw(number)
    left, right = r.to_bytes(length, "big"), s.to_bytes(length, "big")
    der = der_signature(left, right)
    assert der == encode_dss_signature(r, s)
    assert raw_signature(der, length) == left + right
