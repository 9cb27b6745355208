"""The tables of a store, in plain SQL that SQLite and PostgreSQL share.

About ten statements do not justify a dependency on SQLAlchemy. The two databases differ in the lock, the head, and the
detection of changes by other processes, which SQLAlchemy does not abstract:
`SqliteDatabase` and `PostgresDatabase` have the same methods, which raise StateError.
"""

SCORE_TABLES = ("scores", "scored_records")
"""The score log, and the scored records under the numbers of their scores."""
SCHEMA = (
    'CREATE TABLE events ("offset" {integer} PRIMARY KEY, time {integer} NOT NULL, entry {bytes} NOT NULL, '
    "digest {bytes} NOT NULL, subject {integer})",
    "CREATE INDEX events_subject ON events (subject)",
    "CREATE TABLE meta (name {text} PRIMARY KEY, content {text} NOT NULL)",
    'CREATE TABLE snapshots (id {text} PRIMARY KEY, "offset" {integer} NOT NULL, started {real} NOT NULL, '
    "facts {text} NOT NULL)",
    "CREATE TABLE chunks (snapshot {text} NOT NULL, number {integer} NOT NULL, content {bytes} NOT NULL, "
    "PRIMARY KEY (snapshot, number))",
    "CREATE TABLE erasures (number {integer} PRIMARY KEY, facts {text} NOT NULL)",
    "CREATE TABLE scores (number {integer} PRIMARY KEY, time {integer} NOT NULL, entry {bytes} NOT NULL, "
    "digest {bytes} NOT NULL, recorded {integer})",
    "CREATE INDEX scores_recorded ON scores (recorded) WHERE recorded IS NOT NULL",
    "CREATE TABLE scored_records (number {integer} PRIMARY KEY, time {integer} NOT NULL, entry {bytes} NOT NULL, "
    "digest {bytes} NOT NULL)",
    *(f"CREATE INDEX {table}_by_time ON {table} (time, number)" for table in SCORE_TABLES),
)


def tables(types: dict[str, str]) -> list[str]:
    """Return the statements that create the tables of a store."""
    return [statement.format(**types) for statement in SCHEMA]
