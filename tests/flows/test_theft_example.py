"""The example with the thief at work: what verifies and what is refused at each step."""

from __future__ import annotations

from examples import theft

EXPECTED = {
    "an honest credential": "accepted",
    "the town's DID, read from its web server": "accepted",
    "a next line of the DID": "refused: log entry 3: expected only updateKeys whose hashes",
    "another line in place of the last one": "refused: G11",
    "the same on the web, for a reader who knows the town": "refused: the log is not the one seen before",
    # Nothing on the web alone tells a first-time reader; the ledger, or a witness, does.
    "the same on the web, for a stranger without a ledger": "accepted",
    "the town's DID on the ledger, for anybody": "accepted",
    "a forged credential, while nobody knows": "accepted",
    "the forged credential, at an office that takes current keys": "refused: signature",
    # A replaced key forges back-dated credentials for as long as policy takes it: that is what a declaration is for.
    "a back-dated forgery, at an office that takes replaced keys": "accepted",
    "the stolen update key once more": "refused: log entry 4",
    "the back-dated forgery": "refused: signature: the issuer declared this key compromised",
    "the honest credential of the same key": "refused: signature: the issuer declared this key compromised",
    "the same, with the proof that it was issued before": "accepted",
    "the back-dated forgery, with that proof": "refused: signature: the issuer declared this key compromised",
    "the new credential": "accepted",
    "the honest one that it replaces": "refused",
    "the forgery": "refused: signature: the issuer declared this key compromised",
}


async def test_what_verifies_at_each_step() -> None:
    told = await theft.main()
    assert list(told) == list(EXPECTED)
    for step, outcome in EXPECTED.items():
        assert told[step].startswith(outcome), step
