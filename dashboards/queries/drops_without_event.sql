-- Was anything dropped without a SessionExpired that announced it?
-- Bad: any row. A failure was silenced and nobody was told: file it as a bug of the filter with the trace, and
-- call session_renewed once the user has signed in again. Late failures of an ended session need no event.
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
WHERE verdict <> 'keep'
    AND (standing IS NULL OR standing <> 'stale')
    AND (expiry IS NULL OR expiry NOT IN (SELECT id FROM expiries))
GROUP BY missing_expiry, signal, reason, process
ORDER BY missing_expiry, signal, reason, process
