-- How many sessions were renewed in what time?
-- Bad: many not yet renewed: users are not asked to sign in, or `session_renewed` is not called when they have.
-- Where no renewal was needed, the credential worked again: the backend had rejected a good one.
SELECT
    waited,
    COUNT(*) AS sessions,
    SUM(CASE WHEN handled = 0 THEN 1 ELSE 0 END) AS unhandled
FROM (
    SELECT
        expired.handled AS handled,
        CASE
            WHEN COALESCE(ended.renewed_at, 0) = 0 THEN '5 not yet'
            WHEN ended.recovered > 0 THEN '6 needed none'
            WHEN ended.renewed_at - expired.at < 60000 THEN '1 less than a minute'
            WHEN ended.renewed_at - expired.at < 3600000 THEN '2 less than an hour'
            WHEN ended.renewed_at - expired.at < 86400000 THEN '3 less than a day'
            ELSE '4 a day or longer'
        END AS waited
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
) AS waits
GROUP BY waited
ORDER BY waited
