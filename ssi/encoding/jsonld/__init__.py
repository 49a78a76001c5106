"""JSON-LD 1.1 to RDF, compiled: pinned contexts become tables, documents become quads in one walk.

Source:  JSON-LD 1.1 and its Processing Algorithms (W3C REC 2020-07-16), as far as credentials use them: see ``quads``.
"""

from ssi.encoding.jsonld.contexts import BUNDLED, Contexts, PinnedContext, recorded_digests
from ssi.encoding.jsonld.pins import MAX_CONTEXT_BYTES, ContextPin, pinned_contexts, pins_of, read_pins, with_documents
from ssi.encoding.jsonld.quads import label_blank_nodes, to_quads

__all__ = [
    "BUNDLED",
    "MAX_CONTEXT_BYTES",
    "ContextPin",
    "Contexts",
    "PinnedContext",
    "label_blank_nodes",
    "pinned_contexts",
    "pins_of",
    "read_pins",
    "recorded_digests",
    "to_quads",
    "with_documents",
]
