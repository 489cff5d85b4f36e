-- How much was dropped, by which rule, in which hour?
-- Bad: a number that keeps growing after a sign-in, or a signal that you do not expect. `sessions_to_renewal`
-- lists the sessions that nobody renews.
SELECT
    substr(minute, 1, 13) || ':00' AS hour,
    signal,
    reason,
    COUNT(*) AS failures,
    SUM(CASE WHEN standing = 'first' THEN 1 ELSE 0 END) AS announced,
    SUM(CASE WHEN standing = 'repeat' THEN 1 ELSE 0 END) AS repeats,
    SUM(CASE WHEN standing = 'stale' THEN 1 ELSE 0 END) AS late
FROM decisions
WHERE verdict = 'drop'
GROUP BY hour, signal, reason
ORDER BY hour, signal, reason
