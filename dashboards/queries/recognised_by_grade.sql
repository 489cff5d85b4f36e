-- On what evidence were failures recognised as an expired session's: a fact, a statement, or mere words?
-- Bad: words that announced anything: a session ended on text alone; file it as a bug of the filter. Many
-- statements, or words kept as uncorroborated, beside few facts: instrument the client, so that the response
-- itself is seen. would_drop and would_demote come from shadow mode (`Policy.mode`): kept, and what an enforced
-- policy would silence.
-- Yes or no: was_confirmed
SELECT
    COALESCE(grade, 'unknown') AS evidence,
    COALESCE(confirmed, 0) AS was_confirmed,
    verdict,
    reason,
    COUNT(*) AS failures,
    SUM(CASE WHEN standing = 'first' THEN 1 ELSE 0 END) AS announced,
    COUNT(DISTINCT expiry) AS sessions,
    MIN(minute) AS first_minute,
    MAX(minute) AS last_minute
FROM decisions
WHERE standing IS NOT NULL OR grade IS NOT NULL
GROUP BY evidence, was_confirmed, verdict, reason
ORDER BY evidence, was_confirmed, verdict, reason
