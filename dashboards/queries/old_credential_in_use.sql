-- Is an old credential in use after a renewal that named the new one?
-- Bad: any row. The application keeps calling with a credential that was replaced: give every client the new
-- one before you call `session_renewed`. Sentry shows it once an hour, tagged session_expired=old_credential.
-- States: No old credential is in use after a renewal that named the new one
-- Holds: no rows
SELECT
    COALESCE(session, 'unknown') AS named_session,
    COALESCE(operation, 'unknown') AS named_operation,
    COALESCE(release, 'unknown') AS app_release,
    process,
    COUNT(*) AS failures,
    SUM(CASE WHEN verdict = 'keep' THEN 1 ELSE 0 END) AS shown,
    MIN(minute) AS first_minute,
    MAX(minute) AS last_minute
FROM decisions
WHERE reason = 'old_credential'
GROUP BY named_session, named_operation, app_release, process
ORDER BY failures DESC, named_session, named_operation, app_release, process
