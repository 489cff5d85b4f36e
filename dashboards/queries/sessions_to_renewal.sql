-- How long did each expired session wait for the next sign-in?
-- Bad: a session that is not renewed while its failures go on, above all where nobody handled it and Sentry did
-- not show it. Ask the user to sign in, and then call `session_renewed`. Many recovered: the backend rejects
-- credentials that are good, as a later success showed.
-- Yes or no: confirmed, handled, shown, renewed, recovered
SELECT
    expired.minute AS expired_minute,
    expired.id AS expiry_id,
    COALESCE(expired.session, 'unknown') AS named_session,
    expired.operation AS operation,
    expired.status AS http_status,
    expired.confirmed AS confirmed,
    expired.handled AS handled,
    CASE WHEN COALESCE(failed.shown, 0) > 0 THEN 1 ELSE 0 END AS shown,
    CASE WHEN ended.renewed_at > 0 THEN 1 ELSE 0 END AS renewed,
    CASE WHEN COALESCE(ended.recovered, 0) > 0 THEN 1 ELSE 0 END AS recovered,
    CASE WHEN ended.renewed_at > 0 THEN CAST((ended.renewed_at - expired.at) / 1000 AS INTEGER) END AS seconds_to_renewal,
    COALESCE(failed.failures, 0) AS failures,
    COALESCE(expired.release, 'unknown') AS app_release,
    expired.process AS process
FROM expiries AS expired
LEFT JOIN (
    SELECT
        expiry,
        MIN(at) AS renewed_at,
        SUM(CASE WHEN reason <> 'renewed' THEN 1 ELSE 0 END) AS recovered
    FROM renewals
    WHERE expiry IS NOT NULL
    GROUP BY expiry
) AS ended ON ended.expiry = expired.id
LEFT JOIN (
    SELECT
        expiry,
        COUNT(*) AS failures,
        SUM(CASE WHEN reason = 'unhandled' THEN 1 ELSE 0 END) AS shown
    FROM decisions
    WHERE expiry IS NOT NULL AND reason <> 'refused_by_gate'
    GROUP BY expiry
) AS failed ON failed.expiry = expired.id
ORDER BY renewed, expired.at, expired.id
