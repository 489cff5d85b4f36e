-- Which secrets were redacted, and in which signal?
-- Bad: a kind that grows: some code puts credentials where they do not belong. Nothing has left, but it should
-- be mended at its source, and the credential renewed.
SELECT
    label AS kind,
    signal,
    SUM(count) AS redactions,
    COUNT(DISTINCT process) AS processes
FROM totals
WHERE counter = 'redactions'
GROUP BY label, signal
HAVING SUM(count) > 0
ORDER BY redactions DESC, kind, signal
