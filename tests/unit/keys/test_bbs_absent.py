"""Without the extra, a key of BBS is something that could not be checked, and nothing else suffers."""

from __future__ import annotations

from tests.unit.import_cost import run_fresh

WITHOUT = "import sys; sys.modules['py_arkworks_bls12381'] = None\n"
MULTIKEY = (
    "zUC7EK3ZakmukHhuncwkbySmomv3FmrkmS36E4Ks5rsb6VQSRpoCrx6Hb8e2Nk6UvJFSdyw9NK1scFXJp21gNNYFjVWNgaqyGnkyhtagagCpQb5B7tagJu3"
    "HDbjQ8h5ypoHjwBb"
)


def test_a_key_of_bbs_without_the_extra() -> None:
    answer = run_fresh(
        f"""{WITHOUT}
from ssi.errors import UnavailableError
from ssi.keys import Curve, PrivateKey, PublicKey
for call in (lambda: PublicKey.from_multikey({MULTIKEY!r}), lambda: PrivateKey.generate(Curve.BLS12_381_G2)):
    try:
        call()
    except UnavailableError as exc:
        print(exc)
"""
    )
    assert answer.count("countersigned[bbs]") == 2


def test_a_document_with_such_a_key_still_gives_its_others() -> None:
    answer = run_fresh(
        f"""{WITHOUT}
from ssi.did.document import parse_document
from ssi.errors import UnavailableError
from ssi.keys import Curve, PrivateKey
did = "did:web:example.org"
other = PrivateKey.generate(Curve.P256).public_key.to_multikey()
methods = [
    dict(id=f"{{did}}#{{name}}", type="Multikey", controller=did, publicKeyMultibase=value)
    for name, value in (("bbs", {MULTIKEY!r}), ("p256", other))
]
ids = [method["id"] for method in methods]
document = parse_document(dict(id=did, verificationMethod=methods, assertionMethod=ids), did=did)
print(*document.keys("assertionMethod"))
try:
    document.key(f"{{did}}#bbs", "assertionMethod")
except UnavailableError as exc:
    print(exc)
"""
    )
    assert answer.splitlines()[0] == "did:web:example.org#p256"
    assert "countersigned[bbs]" in answer
