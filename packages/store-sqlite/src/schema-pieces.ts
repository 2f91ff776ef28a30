/**
 * Jobs that are pieces of workflow runs, told from others by their lines. Before, they were claimed, counted and listed like any
 * job, and their deaths were dead letters. Their labels say which they are.
 */

const run = `job_json ->> '$.context.labels."workflow.run"'`;
const isPiece = "json_array_length(line) = 5";

export const pieces = `
UPDATE jobs SET line = json_insert(line, '$[#]', 'piece') WHERE ${run} IS NOT NULL;
UPDATE ready SET line = (SELECT line FROM jobs WHERE seq = ready.job)
  WHERE job IN (SELECT seq FROM jobs WHERE ${isPiece});
UPDATE followers SET line = (SELECT line FROM jobs WHERE seq = followers.job)
  WHERE job IN (SELECT seq FROM jobs WHERE ${isPiece});
UPDATE endings SET replayed_as = (SELECT ${run} FROM jobs WHERE seq = endings.job)
  WHERE state = 'dead' AND replayed_as IS NULL AND job IN (SELECT seq FROM jobs WHERE ${isPiece});

UPDATE job_counts SET count = (SELECT count(*) FROM endings WHERE state = 'dead' AND replayed_as IS NULL)
  WHERE kind = 'dead';
UPDATE job_counts SET count = (SELECT count(*) FROM endings WHERE state = 'dead' AND replayed_as IS NOT NULL)
  WHERE kind = 'replayed';
UPDATE job_counts SET count = (
    SELECT count(*) FROM delayed d JOIN jobs j ON j.seq = d.job WHERE NOT ${isPiece})
  WHERE kind = 'delayed';
UPDATE job_counts SET count = (SELECT count(*) FROM ready WHERE NOT ${isPiece})
    + (SELECT count(*) FROM followers WHERE NOT ${isPiece})
  WHERE kind = 'ready';
DELETE FROM job_counts WHERE kind = 'ready_since';
INSERT INTO job_counts
  SELECT 'ready_since', coalesce(p.run_at, j.run_at) AS due, count(*) FROM (
    SELECT job FROM ready WHERE NOT ${isPiece} UNION ALL SELECT job FROM followers WHERE NOT ${isPiece}) q
  JOIN jobs j ON j.seq = q.job LEFT JOIN requeued p ON p.job = j.seq GROUP BY due;
`;
