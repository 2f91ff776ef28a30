/** Tables of the journal, version 2: append-only streams with a small header each. */

export const journalTables = `
CREATE TABLE journal_streams (
  stream TEXT PRIMARY KEY,
  header_json TEXT NOT NULL,
  length INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE journal_entries (
  stream TEXT NOT NULL REFERENCES journal_streams (stream),
  position INTEGER NOT NULL,
  entry_json TEXT NOT NULL,
  PRIMARY KEY (stream, position)
) STRICT, WITHOUT ROWID;
`;
