-- Did the guard catch itself doing what must never happen?
-- Bad: any row: a third party's failure dropped, or a failure dropped without its event. File it as a bug of the
-- filter with the rows of third_party_dropped and drops_without_event.
-- Holds: no rows
SELECT
    label AS invariant,
    CASE WHEN release = '' THEN 'unknown' ELSE release END AS app_release,
    SUM(count) AS times,
    COUNT(DISTINCT process) AS processes,
    MAX(minute) AS last_minute
FROM totals
WHERE counter = 'violations'
GROUP BY label, app_release
HAVING SUM(count) > 0
ORDER BY invariant, app_release
