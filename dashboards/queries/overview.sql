-- What has the guard done, in numbers?
-- Bad: third party dropped, old credential, withheld, difference or lost other than 0. `third_party_dropped`,
-- `old_credential_in_use`, `withheld_by_cause`, `reconciliation` and `lost` show where.
SELECT
    seen, exported, dropped, demoted, withheld,
    seen - exported - dropped - demoted - withheld AS difference,
    redactions, sessions_expired, renewals, calls_saved, lost, third_party_dropped, old_credential, refusals_dropped
FROM (
    SELECT
        COALESCE(SUM(CASE WHEN counter = 'seen' THEN count ELSE 0 END), 0) AS seen,
        COALESCE(SUM(CASE WHEN counter = 'exported' THEN count ELSE 0 END), 0) AS exported,
        COALESCE(SUM(CASE WHEN counter = 'dropped' THEN count ELSE 0 END), 0) AS dropped,
        COALESCE(SUM(CASE WHEN counter = 'demoted' THEN count ELSE 0 END), 0) AS demoted,
        COALESCE(SUM(CASE WHEN counter = 'withheld' THEN count ELSE 0 END), 0) AS withheld,
        COALESCE(SUM(CASE WHEN counter = 'redactions' THEN count ELSE 0 END), 0) AS redactions,
        COALESCE(SUM(CASE WHEN counter = 'session_expired' THEN count ELSE 0 END), 0) AS sessions_expired,
        COALESCE(SUM(CASE WHEN counter = 'renewals' THEN count ELSE 0 END), 0) AS renewals,
        COALESCE(SUM(CASE WHEN counter = 'refused' THEN count ELSE 0 END), 0) AS calls_saved,
        COALESCE(SUM(CASE WHEN counter = 'audit_lost' THEN count ELSE 0 END), 0) AS lost,
        COALESCE(SUM(CASE WHEN counter = 'decisions' AND label = 'refused_by_gate' THEN count ELSE 0 END), 0)
            AS refusals_dropped
    FROM totals
) AS counted
CROSS JOIN (
    SELECT
        COALESCE(SUM(CASE WHEN verdict <> 'keep' AND (third_party = 1 OR provider <> backend) THEN 1 ELSE 0 END), 0)
            AS third_party_dropped,
        COALESCE(SUM(CASE WHEN reason = 'old_credential' THEN 1 ELSE 0 END), 0) AS old_credential
    FROM decisions
) AS checked
