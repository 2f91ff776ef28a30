/** Tables of the journal, version 2: append-only streams with a small header each. */

/** Ends of streams that are part of no other are numbered in the order of their commits, regardless of clocks. Version 5. */
export const journalEndNumbers = `
CREATE TABLE journal_end_numbers (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  stream TEXT NOT NULL UNIQUE
) STRICT;
`;

export const journalTables = `
CREATE TABLE journal_streams (
  stream TEXT PRIMARY KEY,
  header_json TEXT NOT NULL,
  length INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- For retention, which asks again and again what ended long ago.
CREATE INDEX journal_ends ON journal_streams (header_json ->> '$.endedAt') WHERE header_json ->> '$.partOf' IS NULL;
CREATE INDEX journal_parts ON journal_streams (header_json ->> '$.partOf') WHERE header_json ->> '$.partOf' IS NOT NULL;

CREATE TABLE journal_entries (
  stream TEXT NOT NULL REFERENCES journal_streams (stream),
  position INTEGER NOT NULL,
  entry_json TEXT NOT NULL,
  PRIMARY KEY (stream, position)
) STRICT, WITHOUT ROWID;
`;
