-- What was withheld because it could not be redacted?
-- Bad: any row. Data did not leave that should have. fault: a bug of the filter or of a redactor of your own
-- (the log has one WARNING); unknown_item_type: a kind of item that is newer than the filter.
SELECT
    signal,
    label AS cause,
    SUM(count) AS items,
    COUNT(DISTINCT process) AS processes,
    MAX(minute) AS last_minute
FROM totals
WHERE counter = 'withheld'
GROUP BY signal, label
HAVING SUM(count) > 0
ORDER BY items DESC, signal, cause
