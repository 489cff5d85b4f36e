-- Which releases still fail, and in how many sessions?
-- Bad: an old release that keeps failing after the newest one is out, or many late failures: either many calls
-- are in flight at a sign-in, or the release keeps using a credential that was renewed, which
-- `old_credential_in_use` tells.
SELECT
    COALESCE(release, 'unknown') AS app_release,
    COUNT(*) AS failures,
    SUM(CASE WHEN verdict = 'drop' THEN 1 ELSE 0 END) AS dropped,
    SUM(CASE WHEN verdict = 'demote' THEN 1 ELSE 0 END) AS demoted,
    SUM(CASE WHEN verdict IN ('drop', 'demote') THEN 0 ELSE 1 END) AS kept,
    SUM(CASE WHEN standing = 'stale' THEN 1 ELSE 0 END) AS late,
    COUNT(DISTINCT expiry) AS sessions_expired,
    COUNT(DISTINCT process) AS processes,
    MAX(minute) AS last_minute
FROM decisions
WHERE reason <> 'refused_by_gate'
GROUP BY app_release
ORDER BY app_release
