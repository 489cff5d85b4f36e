-- What happened between the processes that share their sessions?
-- Bad: fallback: Redis did not answer, and each process announced on its own. malformed: something else writes
-- under the namespace. reconnected that grows: Redis or the network is unsteady. claimed and adopted are as
-- they should be.
SELECT
    label AS happened,
    SUM(count) AS times,
    COUNT(DISTINCT process) AS processes,
    MAX(minute) AS last_minute
FROM totals
WHERE counter = 'shared'
GROUP BY label
HAVING SUM(count) > 0
ORDER BY happened
