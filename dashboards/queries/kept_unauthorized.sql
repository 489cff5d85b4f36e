-- Which 401 and 403 were kept, and why?
-- Bad: many of your own backend. unknown_provider or unknown_operation: tag the call site, or name it with
-- `guard.operation`; uncorroborated: instrument the client; no_credential: it sends none; not_the_backend: a
-- proxy answers; unhandled: nobody listens for SessionExpired. A third party's key is its user's to fix.
SELECT
    reason,
    COALESCE(provider, 'unknown') AS named_provider,
    COALESCE(host, 'unknown') AS named_host,
    COALESCE(operation, 'unknown') AS named_operation,
    COALESCE(status, 0) AS http_status,
    COUNT(*) AS failures,
    MIN(minute) AS first_minute,
    MAX(minute) AS last_minute
FROM decisions
WHERE verdict = 'keep' AND (status IN (401, 403) OR (status IS NULL AND reason <> 'other_status'))
GROUP BY reason, named_provider, named_host, named_operation, http_status
ORDER BY failures DESC, reason, named_provider, named_host, named_operation, http_status
