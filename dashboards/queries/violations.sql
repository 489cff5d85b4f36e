-- Did the guard's own checks find what must never happen?
-- Bad: any row. third_party_dropped or drop_without_event: file it as a bug of the filter, with the rows of
-- `third_party_dropped` or `drops_without_event`. For old_credential_in_use the application is at fault: see
-- `old_credential_in_use`.
-- States: The guard's own checks found nothing that must never happen
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
