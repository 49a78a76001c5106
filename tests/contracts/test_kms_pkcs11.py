"""The key store contract on a PKCS#11 token, and what the token adds: sessions, loss, PIN, other processes."""

from __future__ import annotations

import asyncio
import os
import traceback
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ssi.errors import InvalidInputError, KeyNotFoundError, UnavailableError, VerificationError
from ssi.keys import Curve, KeyPurpose, Kms, PublicKey, open_kms
from ssi.keys.backends import pkcs11_objects
from ssi.keys.backends.pkcs11 import Pkcs11Kms
from ssi.keys.backends.pkcs11_module import load_module
from ssi.keys.backends.pkcs11_objects import Found, find_keys, generate_pair
from ssi.keys.backends.pkcs11_token import Line
from ssi.keys.curves import JOSE_CURVES
from tests.contracts.kms import KmsContract
from tests.contracts.softhsm import SlowKms, directory, module_path, token_url

CREDENTIAL = KeyPurpose.CREDENTIAL
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")


async def empty(kms: Pkcs11Kms) -> None:
    for label in await kms.labels():
        await kms.delete(label)


@pytest.fixture
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Pkcs11Kms]:
    kms = open_kms(token_url(f"{request.node.name}/"))
    assert isinstance(kms, Pkcs11Kms)
    await empty(kms)
    yield kms
    await empty(kms)
    await kms.close()


class TestPkcs11Kms(KmsContract):
    @pytest.fixture
    def kms(self, store: Pkcs11Kms) -> Kms:
        return store


def restart_module() -> None:
    module = load_module(module_path())
    module.restart(module.generation)


async def test_a_batch_hides_the_waiting_and_keeps_the_order(store: Pkcs11Kms) -> None:
    public = await store.generate("list", curve=Curve.P256, purpose=KeyPurpose.LIST)
    slow = SlowKms.open(token_url(store._prefix, sessions=8))
    messages = [b"%d" % number for number in range(80)]
    signatures = await slow.sign_many("list", messages, purpose=KeyPurpose.LIST)
    for message, signature in zip(messages, signatures, strict=True):
        public.verify(signature, message)
    assert slow.busiest > 3
    assert list(await slow.sign_many("list", [], purpose=KeyPurpose.LIST)) == []
    with pytest.raises(KeyNotFoundError):
        await slow.sign_many("other", [], purpose=KeyPurpose.LIST)
    await slow.close()


async def test_many_tasks_share_few_sessions(store: Pkcs11Kms) -> None:
    keys = {curve: await store.generate(str(curve), curve=curve, purpose=CREDENTIAL) for curve in JOSE_CURVES}
    jobs = [(curve, b"%s %d" % (curve.encode(), number)) for number in range(100) for curve in JOSE_CURVES]
    signatures = await asyncio.gather(*(store.sign(curve, message, purpose=CREDENTIAL) for curve, message in jobs))
    for (curve, message), signature in zip(jobs, signatures, strict=True):
        keys[curve].verify(signature, message)


async def test_it_goes_on_after_the_token_was_away(store: Pkcs11Kms) -> None:
    public = await store.generate("issuer", curve=Curve.ED25519, purpose=CREDENTIAL)
    restart_module()
    public.verify(await store.sign("issuer", b"m", purpose=CREDENTIAL), b"m")
    tokens = directory() / "tokens"
    restart_module()
    tokens.rename(tokens.with_name("away"))
    tokens.mkdir()
    try:
        for attempt in (
            store.sign("issuer", b"m", purpose=CREDENTIAL),
            store.sign_many("issuer", [b"m"], purpose=CREDENTIAL),
            store.labels(),
            store.generate("other", curve=Curve.P256, purpose=CREDENTIAL),
        ):
            with pytest.raises(UnavailableError):
                await attempt
    finally:
        tokens.rmdir()
        tokens.with_name("away").rename(tokens)
    public.verify(await store.sign("issuer", b"n", purpose=CREDENTIAL), b"n")


async def test_a_restart_while_many_sign_loses_no_signature(store: Pkcs11Kms) -> None:
    public = await store.generate("issuer", curve=Curve.P256, purpose=CREDENTIAL)
    messages = [b"%d" % number for number in range(300)]
    signing = asyncio.ensure_future(store.sign_many("issuer", messages, purpose=CREDENTIAL))
    await asyncio.sleep(0.01)
    await asyncio.to_thread(restart_module)
    for message, signature in zip(messages, await signing, strict=True):
        public.verify(signature, message)


async def test_a_refused_pin_is_not_tried_again_and_never_shown(store: Pkcs11Kms, tmp_path: Path) -> None:
    await store.close()
    wrong = open_kms(token_url(pin_file=None), passphrase="not-the-pin")
    shown = ""
    for expected in ("refuses the PIN", "not tried again"):
        with pytest.raises(VerificationError, match=expected) as refused:
            await wrong.labels()
        shown += "".join(traceback.format_exception(refused.value))
    assert "not-the-pin" not in shown + repr(wrong)
    assert "not-the-pin" not in repr(vars(wrong))


async def test_one_store_closes_and_the_other_goes_on(store: Pkcs11Kms) -> None:
    await store.generate("issuer", curve=Curve.P256, purpose=CREDENTIAL)
    second = Pkcs11Kms.open(token_url(store._prefix))
    assert list(await second.labels()) == ["issuer"]
    await store.close()
    assert await second.sign("issuer", b"m", purpose=CREDENTIAL)
    assert list(await second.labels()) == ["issuer"]
    await second.close()
    assert list(await store.labels()) == ["issuer"]


def test_a_forked_child_signs_with_sessions_of_its_own() -> None:
    """The parent has the token open: the child must start the module for itself."""
    store = Pkcs11Kms.open(token_url("forked/"))

    async def make() -> PublicKey:
        await empty(store)
        return await store.generate("issuer", curve=Curve.P256, purpose=CREDENTIAL)

    public = asyncio.run(make())
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, asyncio.run(store.sign("issuer", b"from the child", purpose=CREDENTIAL)))
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        public.verify(pipe.read(), b"from the child")
    assert os.waitpid(child, 0)[1] == 0
    public.verify(asyncio.run(store.sign("issuer", b"m", purpose=CREDENTIAL)), b"m")
    asyncio.run(empty(store))


async def test_what_another_store_changes_is_seen(store: Pkcs11Kms) -> None:
    await store.generate("issuer", curve=Curve.P256, purpose=CREDENTIAL)
    assert await store.sign("issuer", b"m", purpose=CREDENTIAL)
    other = Pkcs11Kms.open(token_url(store._prefix))
    await other.delete("issuer")
    with pytest.raises(KeyNotFoundError):
        await store.sign("issuer", b"m", purpose=CREDENTIAL)
    await other.close()


async def test_a_rename_that_was_cut_off_changes_nothing(store: Pkcs11Kms, monkeypatch: pytest.MonkeyPatch) -> None:
    public = await store.generate("next", curve=Curve.P256, purpose=KeyPurpose.DID_NEXT)

    def rename_public_only(key: Found, label: str, purpose: KeyPurpose) -> None:
        private, key.private = key.private, {}  # type: ignore[misc]
        try:
            rename(key, label, purpose)
        finally:
            key.private = private  # type: ignore[misc]

    rename = Found.rename
    with monkeypatch.context() as patched:
        patched.setattr(Found, "rename", rename_public_only)
        await store.relabel("next", "update", purpose=KeyPurpose.DID_UPDATE)
    assert (await store.find("next")).purpose is KeyPurpose.DID_NEXT
    assert await store.public_key("next") == public
    await store.relabel("next", "update", purpose=KeyPurpose.DID_UPDATE)
    assert await store.public_key("update") == public


async def test_keys_of_others_are_left_alone(store: Pkcs11Kms) -> None:
    def make(line: Line) -> None:
        generate_pair(line.session, f"{store._prefix}theirs", b"countersigned/list/1", Curve.P256, exportable=False)
        for key in find_keys(line.session, f"{store._prefix}theirs"):
            key.private[Attribute.ID] = b"\x01\x02"

    from pkcs11 import Attribute, ObjectClass

    await store._run(make)
    assert list(await store.labels()) == []
    await store.generate("theirs", curve=Curve.P256, purpose=CREDENTIAL)
    await store.delete("theirs")

    def left(line: Line) -> int:
        theirs = list(line.session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.ID: b"\x01\x02"}))
        for key in theirs:
            key.destroy()
        return len(theirs)

    assert await store._run(left) == 1


async def test_a_curve_that_the_token_lacks_is_named(store: Pkcs11Kms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(pkcs11_objects._PARAMS, Curve.P384, (bytes.fromhex("06052b81040063"),))
    with pytest.raises(InvalidInputError, match="does not make P-384 keys"):
        await store.generate("issuer", curve=Curve.P384, purpose=CREDENTIAL)
    assert list(await store.labels()) == []


async def test_two_keys_of_one_label_are_refused(store: Pkcs11Kms) -> None:
    def make(line: Line) -> None:
        for number in b"12":
            identifier = b"countersigned/list/%d" % number
            generate_pair(line.session, f"{store._prefix}twice", identifier, Curve.P256, exportable=False)

    await store._run(make)
    with pytest.raises(UnavailableError, match="several keys"):
        await store.sign("twice", b"m", purpose=KeyPurpose.LIST)

    def tidy(line: Line) -> None:
        for key in find_keys(line.session, f"{store._prefix}twice"):
            key.destroy()

    await store._run(tidy)


async def test_a_pin_file_that_is_not_there(tmp_path: Path) -> None:
    kms = open_kms(token_url(pin_file="none"))
    with pytest.raises(UnavailableError, match="pin-source"):
        await kms.labels()
