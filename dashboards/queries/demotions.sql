-- Which spans were demoted, and did that hide a defect?
-- Bad: any span without an expiry: it lost its error although no session is known to have ended. Open one of
-- the traces: only the expired session's error may be gone, and whatever else failed has to be there, in error.
SELECT
    signal,
    reason,
    COALESCE(operation, 'unknown') AS named_operation,
    COALESCE(status, 0) AS http_status,
    COALESCE(release, 'unknown') AS app_release,
    COUNT(*) AS demoted,
    SUM(CASE WHEN expiry IS NULL THEN 1 ELSE 0 END) AS without_expiry,
    COUNT(DISTINCT trace_id) AS traces,
    COUNT(DISTINCT CASE
        WHEN trace_id IN (SELECT trace_id FROM decisions WHERE verdict = 'keep' AND trace_id IS NOT NULL) THEN trace_id
    END) AS traces_with_kept_failures,
    MIN(minute) AS first_minute,
    MAX(minute) AS last_minute
FROM decisions
WHERE verdict = 'demote'
GROUP BY signal, reason, named_operation, http_status, app_release
ORDER BY demoted DESC, signal, reason, named_operation, http_status, app_release
