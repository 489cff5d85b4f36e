-- Is a dead session hidden: expired and not renewed, nobody listened, and Sentry does not show it?
-- Bad: any row. Nobody knows that the session is over: subscribe with `on_session_expired`, and ask the user to
-- sign in. Where only OpenTelemetry is guarded, Sentry cannot show it, so the subscription is needed.
-- States: No dead session is hidden: each one was handled, renewed or shown in Sentry
-- Holds: no rows
SELECT
    hidden.minute AS expired_minute,
    hidden.id AS expiry_id,
    COALESCE(hidden.session, 'unknown') AS named_session,
    hidden.provider AS provider,
    hidden.operation AS operation,
    COALESCE(dropped.failures, 0) AS failures_dropped,
    COALESCE(hidden.release, 'unknown') AS app_release,
    hidden.process AS process
FROM expiries AS hidden
LEFT JOIN (
    SELECT expiry, COUNT(*) AS failures FROM decisions
    WHERE verdict IN ('drop', 'demote') AND reason <> 'refused_by_gate' AND expiry IS NOT NULL
    GROUP BY expiry
) AS dropped ON dropped.expiry = hidden.id
WHERE hidden.handled = 0
    AND hidden.id NOT IN (SELECT expiry FROM decisions WHERE reason = 'unhandled' AND expiry IS NOT NULL)
    AND hidden.id NOT IN (SELECT expiry FROM renewals WHERE expiry IS NOT NULL)
ORDER BY hidden.at, hidden.id
