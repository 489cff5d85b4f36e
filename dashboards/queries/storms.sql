-- How bad did it get: which sessions failed how often a minute, at their worst?
-- Bad: a worst minute far above the others: something retries in a loop without asking `gate.check`. Put the
-- check before the call, not after the failure.
WITH by_minute AS (
    SELECT COALESCE(session, 'unknown') AS named_session, minute, COUNT(*) AS failures
    FROM decisions
    WHERE standing IS NOT NULL
    GROUP BY named_session, minute
),
by_session AS (
    SELECT
        named_session,
        MAX(failures) AS at_worst,
        SUM(failures) AS failures_in_all,
        COUNT(*) AS minutes,
        MIN(minute) AS first_minute,
        MAX(minute) AS last_minute
    FROM by_minute
    GROUP BY named_session
)
SELECT
    by_session.named_session AS failing_session,
    by_session.at_worst AS failures_in_worst_minute,
    MIN(by_minute.minute) AS worst_minute,
    by_session.failures_in_all AS failures,
    by_session.minutes AS minutes_with_failures,
    by_session.first_minute AS first_minute,
    by_session.last_minute AS last_minute
FROM by_session
JOIN by_minute ON by_minute.named_session = by_session.named_session AND by_minute.failures = by_session.at_worst
GROUP BY
    by_session.named_session, by_session.at_worst, by_session.failures_in_all, by_session.minutes,
    by_session.first_minute, by_session.last_minute
ORDER BY failures_in_worst_minute DESC, failures DESC, failing_session
