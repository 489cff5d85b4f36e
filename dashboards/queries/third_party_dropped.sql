-- Was a failure of a third party dropped?
-- Bad: any row. A failure of another provider was silenced (would_drop: only shadow mode kept it): file it as a
-- bug of the filter, and until it is fixed take the provider's host out of `Policy.hosts`.
-- States: No failure of a third party was dropped
-- Holds: no rows
SELECT
    COALESCE(provider, 'unknown') AS third_party_name,
    COALESCE(host, 'unknown') AS third_party_host,
    backend,
    signal,
    verdict,
    reason,
    COUNT(*) AS failures,
    MIN(minute) AS first_minute,
    MAX(minute) AS last_minute
FROM decisions
WHERE verdict <> 'keep' AND (third_party = 1 OR provider <> backend)
GROUP BY third_party_name, third_party_host, backend, signal, verdict, reason
ORDER BY third_party_name, third_party_host, backend, signal, verdict, reason
