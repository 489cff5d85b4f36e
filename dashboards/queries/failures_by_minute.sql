-- How many failures came in each minute, and what became of them?
-- Bad: a wave that does not end: a storm is going on. `storms` names the session, `calls_saved` the release
-- that does not ask the gate.
SELECT
    minute,
    SUM(CASE WHEN verdict = 'drop' THEN 1 ELSE 0 END) AS dropped,
    SUM(CASE WHEN verdict = 'demote' THEN 1 ELSE 0 END) AS demoted,
    SUM(CASE WHEN verdict IN ('drop', 'demote') THEN 0 ELSE 1 END) AS kept,
    SUM(CASE WHEN standing = 'first' THEN 1 ELSE 0 END) AS announced
FROM decisions
WHERE reason <> 'refused_by_gate'
GROUP BY minute
ORDER BY minute
