"""The tables of a log in PostgreSQL, the one function that appends to it, and their versions.

Source:  the Ledger port; RFC 6962, section 2.1; PostgreSQL 13 or newer, whose ``sha256`` and row locks it uses.
Shapes:  one schema of the database holds one log.
         log(id, version, size): one row; whoever appends holds its lock from counting to COMMIT.
         entries(idx, leaf, body, withheld): body is NULL where ``withheld`` names a court's order. ``leaf`` is unique:
         no entry can stand twice, whatever a client does.
         nodes(pos, hash): every complete subtree above the leaves; pos = last leaf below it * 64 + level.
         head(id, note): one row, the newest signed note; its lock is another one, so that signing stops no append.
         append(bodies, expected, seen): appends all or nothing and returns (size, indexes); indexes are NULL where the
         size is not the ``expected`` one. A log shorter than ``seen`` is refused with the state CS001.
I/O:     none here: text only.

The append is one statement that commits by itself. So the lock is never held while a client thinks, sleeps or is cut
off, the database makes the leaf hash of the very bytes that it stores, and one round trip is enough.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

VERSION: Final = 1
LEVEL_BITS: Final = 6
STATE_SHORTER: Final = "CS001"
STATE_ISOLATION: Final = "CS002"

# The schema is named in every statement: a search path that another user may write to decides nothing.
TABLES: Final = """
CREATE TABLE {s}.log (
    id integer PRIMARY KEY CHECK (id = 0), version integer NOT NULL, size bigint NOT NULL CHECK (size >= 0)
) WITH (fillfactor = 10);
CREATE TABLE {s}.entries (
    idx bigint PRIMARY KEY, leaf bytea NOT NULL UNIQUE CHECK (length(leaf) = 32), body bytea, withheld text,
    CHECK ((body IS NULL) = (withheld IS NOT NULL))
);
ALTER TABLE {s}.entries ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE TABLE {s}.nodes (pos bigint PRIMARY KEY, hash bytea NOT NULL CHECK (length(hash) = 32));
CREATE TABLE {s}.head (id integer PRIMARY KEY CHECK (id = 0), note bytea) WITH (fillfactor = 10);
INSERT INTO {s}.log (id, version, size) VALUES (0, {version}, 0);
INSERT INTO {s}.head (id, note) VALUES (0, NULL);
"""

# Plans are kept for as long as a connection lives and may be made while the tables are empty: without these settings
# such a plan would read whole tables later.
_PLANS: Final = "SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off"

APPEND_BODY: Final = """
DECLARE
    leaves bytea[];
    fresh bigint[];
    old bigint;
    level integer := 0;
    first bigint;
    row bytea[];
    sibling bytea;
    positions bigint[] := '{{}}';
    hashes bytea[] := '{{}}';
BEGIN
    -- Each statement below must see what was committed before the lock was given.
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'appending needs the isolation level read committed' USING ERRCODE = 'CS002';
    END IF;
    IF current_setting('synchronous_commit') <> 'remote_apply' THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    SELECT l.size INTO STRICT old FROM {s}.log l WHERE l.id = 0 FOR UPDATE;
    new_size := old;
    IF old < seen THEN
        RAISE EXCEPTION 'the log has % entries, % were seen', old, seen USING ERRCODE = 'CS001';
    END IF;
    leaves := array(
        SELECT sha256('\\x00'::bytea || u.body) FROM unnest(bodies) WITH ORDINALITY u(body, n) ORDER BY u.n
    );
    fresh := array(
        SELECT d.n FROM (SELECT u.leaf, min(u.n) AS n FROM unnest(leaves) WITH ORDINALITY u(leaf, n) GROUP BY u.leaf) d
        WHERE NOT EXISTS (SELECT FROM {s}.entries e WHERE e.leaf = d.leaf) ORDER BY d.n
    );
    IF cardinality(fresh) > 0 THEN
        IF expected IS NOT NULL AND expected <> old THEN
            RETURN;
        END IF;
        INSERT INTO {s}.entries (idx, leaf, body)
            SELECT old + u.i - 1, leaves[u.n], bodies[u.n] FROM unnest(fresh) WITH ORDINALITY u(n, i) ORDER BY u.i;
        new_size := old + cardinality(fresh);
        first := old;
        row := array(SELECT leaves[u.n] FROM unnest(fresh) WITH ORDINALITY u(n, i) ORDER BY u.i);
        LOOP
            IF first % 2 = 1 THEN
                first := first - 1;
                IF level = 0 THEN
                    SELECT e.leaf INTO sibling FROM {s}.entries e WHERE e.idx = first;
                ELSE
                    SELECT n.hash INTO sibling FROM {s}.nodes n
                        WHERE n.pos = (((((first + 1) << level) - 1) << 6) | level);
                END IF;
                row := sibling || row;
            END IF;
            level := level + 1;
            first := first / 2;
            EXIT WHEN cardinality(row) < 2;
            row := array(
                SELECT sha256('\\x01'::bytea || row[2 * i - 1] || row[2 * i])
                FROM generate_series(1, cardinality(row) / 2) i ORDER BY i
            );
            hashes := hashes || row;
            positions := positions || array(
                SELECT (((((first + i) << level) - 1) << 6) | level)
                FROM generate_series(1, cardinality(row)) i ORDER BY i
            );
        END LOOP;
        INSERT INTO {s}.nodes (pos, hash)
            SELECT u.pos, u.hash FROM unnest(positions, hashes) u(pos, hash) ORDER BY u.pos;
        UPDATE {s}.log SET size = new_size WHERE id = 0;
    END IF;
    IF cardinality(fresh) = cardinality(leaves) THEN
        indexes := array(SELECT generate_series(old, new_size - 1));
    ELSE
        indexes := array(
            SELECT e.idx FROM unnest(leaves) WITH ORDINALITY u(leaf, n)
            JOIN {s}.entries e ON e.leaf = u.leaf ORDER BY u.n
        );
    END IF;
END
"""

# From version n to n + 1, in order; each statement list ends a transaction that also raises ``log.version``.
MIGRATIONS: Final[dict[int, str]] = {}


def create(schema: str) -> str:
    """Return the statements that make a new log in ``schema``, a plain lower-case name."""
    name = quoted(schema)
    return f"CREATE SCHEMA IF NOT EXISTS {name};" + TABLES.format(s=name, version=VERSION) + append_function(schema)


def append_function(schema: str) -> str:
    """Return the statement that makes the function, or makes it anew."""
    name = quoted(schema)
    return (
        f"CREATE OR REPLACE FUNCTION {name}.append(bodies bytea[], expected bigint, seen bigint,"
        f" OUT new_size bigint, OUT indexes bigint[]) LANGUAGE plpgsql {_PLANS}"
        f" AS $append${append_body(schema)}$append$;"
    )


def append_body(schema: str) -> str:
    """Return the text that PostgreSQL keeps of the function."""
    return APPEND_BODY.format(s=quoted(schema))


def append_digest(schema: str) -> str:
    """Return the SHA-256 of that text in hexadecimal: what stands in the database must be this version's."""
    return sha256(append_body(schema).encode()).hexdigest()


def migration(schema: str, version: int) -> str:
    """Return the statements that bring a log from ``version`` to the next. Raises KeyError if there are none."""
    return MIGRATIONS[version].format(s=quoted(schema))


def quoted(schema: str) -> str:
    """Return the name as SQL writes it; the URL's rules allow no character that would need more."""
    return f'"{schema}"'


def node_position(level: int, index: int) -> int:
    """Return where node (level, index) is kept: by the leaf that completed it, then by its level."""
    return (((index + 1) << level) - 1) << LEVEL_BITS | level
