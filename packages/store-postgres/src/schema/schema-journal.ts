/** Tables of the journal: append-only streams with a small header each. */
export const journalTables = `
-- Ends of streams that are part of no other are numbered in the order of their commits. A number is not given twice.
CREATE TABLE journal_end_mark (
  number bigint NOT NULL
) WITH (fillfactor = 50);
INSERT INTO journal_end_mark VALUES (0);

CREATE TABLE journal_streams (
  stream text COLLATE "C" PRIMARY KEY,
  header_json text NOT NULL,
  length bigint NOT NULL,
  ended_at double precision,          -- this and the next: from the header
  part_of text COLLATE "C",
  end_number bigint
) WITH (fillfactor = 70);

-- For retention, which asks again and again what ended long ago, and for lists of what has not ended.
CREATE INDEX journal_ends ON journal_streams (ended_at) WHERE part_of IS NULL AND ended_at IS NOT NULL;
CREATE INDEX journal_open ON journal_streams (stream) WHERE ended_at IS NULL;
CREATE INDEX journal_parts ON journal_streams (part_of) WHERE part_of IS NOT NULL;

CREATE TABLE journal_entries (
  stream text COLLATE "C" NOT NULL,
  position bigint NOT NULL,
  entry_json text NOT NULL,
  PRIMARY KEY (stream, position)
);
`;
