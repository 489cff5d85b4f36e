-- How many calls did the closed gate save, in which release?
-- Bad: sessions expired but no calls saved: that release does not ask `gate.check` before its LLM work, and
-- keeps calling with a dead session.
SELECT
    CASE WHEN release = '' THEN 'unknown' ELSE release END AS app_release,
    SUM(CASE WHEN counter = 'refused' THEN count ELSE 0 END) AS calls_saved,
    SUM(CASE WHEN counter = 'session_expired' THEN count ELSE 0 END) AS sessions_expired,
    SUM(CASE WHEN counter = 'renewals' THEN count ELSE 0 END) AS renewals
FROM totals
WHERE counter IN ('refused', 'session_expired', 'renewals')
GROUP BY app_release
HAVING SUM(count) > 0
ORDER BY app_release
