-- Was anything dropped without a SessionExpired that announced it?
-- Bad: any row. A failure was silenced and nobody was told: file it as a bug of the filter with the trace, and
-- call `session_renewed` once the user has signed in again. Late failures of an ended session need no event,
-- nor does an expiry that ends before `Policy.healing_window` has passed: ask again after that time.
-- States: Nothing was dropped without a SessionExpired that announced it
-- Holds: no rows
SELECT
    COALESCE(expiry, 'none') AS missing_expiry,
    signal,
    reason,
    process,
    COUNT(*) AS failures,
    MIN(minute) AS first_minute,
    MAX(minute) AS last_minute,
    MIN(COALESCE(trace_id, 'none')) AS a_trace
FROM decisions
WHERE verdict IN ('drop', 'demote')
    AND reason <> 'refused_by_gate'
    AND (standing IS NULL OR standing <> 'stale')
    AND (
        expiry IS NULL
        OR (
            expiry NOT IN (SELECT id FROM expiries)
            AND expiry NOT IN (SELECT expiry FROM renewals WHERE expiry IS NOT NULL)
        )
    )
GROUP BY missing_expiry, signal, reason, process
ORDER BY missing_expiry, signal, reason, process
