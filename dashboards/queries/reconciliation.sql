-- Does everything that was seen add up: exported, dropped, demoted, withheld?
-- Bad: a difference other than 0: something went missing unaccounted for, or left uncounted. File it as a bug
-- of the filter.
-- States: Everything that was seen adds up: exported, dropped, demoted or withheld
-- Holds: difference = 0
SELECT
    signal, seen, exported, dropped, demoted, withheld,
    seen - exported - dropped - demoted - withheld AS difference
FROM (
    SELECT
        signal,
        SUM(CASE WHEN counter = 'seen' THEN count ELSE 0 END) AS seen,
        SUM(CASE WHEN counter = 'exported' THEN count ELSE 0 END) AS exported,
        SUM(CASE WHEN counter = 'dropped' THEN count ELSE 0 END) AS dropped,
        SUM(CASE WHEN counter = 'demoted' THEN count ELSE 0 END) AS demoted,
        SUM(CASE WHEN counter = 'withheld' THEN count ELSE 0 END) AS withheld
    FROM totals
    WHERE counter IN ('seen', 'exported', 'dropped', 'demoted', 'withheld')
    GROUP BY signal
) AS counted
ORDER BY signal
