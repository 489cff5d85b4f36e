-- Which reports of the gate's refusals were dropped, and does an expired session explain each of them?
-- Bad: unexplained other than 0, and still so after Policy.healing_window: a refusal was silenced that no expiry
-- closed the gate for: file it as a bug of the filter. Many reports: catch SessionExpiredError where work begins.
-- Holds: unexplained = 0
SELECT
    COALESCE(release, 'unknown') AS app_release,
    signal,
    verdict,
    COUNT(*) AS reports,
    COUNT(DISTINCT expiry) AS sessions,
    SUM(CASE
        WHEN expiry IN (SELECT id FROM expiries) THEN 0
        WHEN expiry IN (SELECT expiry FROM renewals WHERE expiry IS NOT NULL) THEN 0
        ELSE 1
    END) AS unexplained,
    MIN(minute) AS first_minute,
    MAX(minute) AS last_minute
FROM decisions
WHERE reason = 'refused_by_gate'
GROUP BY app_release, signal, verdict
ORDER BY app_release, signal, verdict
