"""The bundled contexts say what the published ones say, and the digests of the published editions are recorded."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

from ssi.encoding import jsonld
from ssi.encoding.jcs import jcs
from ssi.encoding.jsonld import BUNDLED, recorded_digests
from tests.vectors.support import VectorCount, load_json, vectors_dir

count = VectorCount("contexts")
DATA = Path(jsonld.__file__).parent / "data"

# Published by a registry package, and not among the vectors.
WITHOUT_VECTOR = {
    *("https://w3id.org/citizenship/v2", "https://w3id.org/citizenship/v3", "https://www.w3.org/ns/odrl.jsonld"),
}


def test_each_bundled_context_has_the_canonical_form_of_the_published_one() -> None:
    published = load_json("contexts", "index.json")
    assert set(BUNDLED) - set(published) == WITHOUT_VECTOR
    for url in BUNDLED:
        if url in published:
            raw = (vectors_dir("contexts") / published[url]["file"]).read_bytes()
            assert sha256(raw).hexdigest() == published[url]["sha256"]
            assert jcs(BUNDLED.document(url)) == jcs(json.loads(raw)), url
            assert published[url]["sha256"] in recorded_digests(url), url
            count.ran()


def test_digests_that_recommendations_print_are_recorded() -> None:
    published = load_json("contexts", "index.json")
    printed = {url: entry["published_sha256"] for url, entry in published.items() if entry["published_sha256"]}
    assert len(printed) >= 5
    for url, digest in printed.items():
        assert digest in recorded_digests(url), url


def test_contexts_that_no_package_publishes_are_recorded_by_digest() -> None:
    published = load_json("contexts", "index.json")
    for url in ("https://www.w3.org/ns/did/v1.1", "https://www.w3.org/ns/cid/v1", "https://w3id.org/security/jwk/v1"):
        assert url not in BUNDLED
        assert recorded_digests(url) == (published[url]["sha256"],)
    for _ in published.keys() - set(BUNDLED):
        count.left_out("published by no registry package: given by the caller")


def test_every_packaged_file_is_in_the_index() -> None:
    index = json.loads((DATA / "index.json").read_bytes())
    files = {path.name for path in DATA.glob("*.json")} - {"index.json"}
    assert files == {entry["file"] for entry in index["bundled"].values()}
    for entry in index["bundled"].values():
        assert sha256((DATA / entry["file"]).read_bytes()).hexdigest() == entry["sha256"]
        name = entry["package"].rpartition("@")[0].removeprefix("@").replace("/", "-")
        assert (DATA / "licenses" / f"{name}.md").is_file()
