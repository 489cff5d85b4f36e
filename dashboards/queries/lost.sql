-- Does the audit itself lose anything, and did the guard have faults of its own?
-- Bad: any row. audit_lost: the ledger's disk is full, locked or read-only, or its queue is too short, so the
-- other answers show too little. faults: a bug of the filter that reached nobody; the log has one WARNING.
SELECT
    counter,
    label AS cause,
    SUM(count) AS times,
    COUNT(DISTINCT process) AS processes,
    MAX(minute) AS last_minute
FROM totals
WHERE counter IN ('audit_lost', 'faults')
GROUP BY counter, label
HAVING SUM(count) > 0
ORDER BY counter, cause
