-- Which reports of the gate's refusals were dropped, and does an expired session explain each of them?
-- Bad: an unexplained report that stays so after `Policy.healing_window`: a refusal was silenced although no
-- expiry closed the gate; file it as a bug of the filter. Many reports: catch SessionExpiredError where work
-- begins.
-- States: An expired session explains every dropped report of the gate's refusals
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
