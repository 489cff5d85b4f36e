-- Which secrets were redacted, and in which signal?
-- Bad: a kind that grows: some code puts credentials where they do not belong. Nothing has leaked, but fix it
-- at its source, and renew the credential.
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
