-- The ledger's tables as views over what the OpenTelemetry Collector's ClickHouse exporter stores, so that the
-- files in dashboards/queries run unchanged. Run it once, in the exporter's database:
--     clickhouse-client --database otel --multiquery < views.sql
-- Log attributes tell the kinds of events apart: not every version of the exporter stores the event's name. The
-- exporter's option `json` makes other columns, and is not served.

CREATE DATABASE IF NOT EXISTS sentry_filters;

CREATE OR REPLACE VIEW sentry_filters.decisions AS
SELECT
    toUnixTimestamp64Milli(Timestamp) AS at,
    formatDateTime(Timestamp, '%Y-%m-%d %H:%i', 'UTC') AS minute,
    LogAttributes['sentry_filters.signal'] AS signal,
    LogAttributes['sentry_filters.verdict'] AS verdict,
    LogAttributes['sentry_filters.reason'] AS reason,
    if(mapContains(LogAttributes, 'sentry_filters.standing'), LogAttributes['sentry_filters.standing'], NULL) AS standing,
    if(mapContains(LogAttributes, 'sentry_filters.grade'), LogAttributes['sentry_filters.grade'], NULL) AS grade,
    if(mapContains(LogAttributes, 'sentry_filters.confirmed'), LogAttributes['sentry_filters.confirmed'] = 'true', NULL) AS confirmed,
    if(mapContains(LogAttributes, 'sentry_filters.expiry'), LogAttributes['sentry_filters.expiry'], NULL) AS expiry,
    if(mapContains(LogAttributes, 'sentry_filters.domain'), LogAttributes['sentry_filters.domain'], NULL) AS domain,
    if(mapContains(LogAttributes, 'sentry_filters.operation'), LogAttributes['sentry_filters.operation'], NULL) AS operation,
    if(mapContains(LogAttributes, 'sentry_filters.provider'), LogAttributes['sentry_filters.provider'], NULL) AS provider,
    LogAttributes['sentry_filters.backend'] AS backend,
    if(mapContains(LogAttributes, 'server.address'), LogAttributes['server.address'], NULL) AS host,
    LogAttributes['sentry_filters.third_party'] = 'true' AS third_party,
    toInt32OrNull(LogAttributes['http.response.status_code']) AS status,
    if(mapContains(LogAttributes, 'session.id'), LogAttributes['session.id'], NULL) AS session,
    nullIf(TraceId, '') AS trace_id,
    nullIf(ResourceAttributes['service.version'], '') AS release,
    if(
        ResourceAttributes['service.instance.id'] <> '',
        ResourceAttributes['service.instance.id'],
        concat(ResourceAttributes['host.name'], '/', ResourceAttributes['process.pid'])
    ) AS process
FROM otel_logs
WHERE ScopeName = 'sentry_filters' AND mapContains(LogAttributes, 'sentry_filters.verdict');

-- Processes that share their sessions may all tell of one expiry: the first one counts.
CREATE OR REPLACE VIEW sentry_filters.expiries AS
SELECT
    LogAttributes['sentry_filters.expiry'] AS id,
    toUnixTimestamp64Milli(Timestamp) AS at,
    formatDateTime(Timestamp, '%Y-%m-%d %H:%i', 'UTC') AS minute,
    LogAttributes['sentry_filters.source'] AS source,
    LogAttributes['sentry_filters.provider'] AS provider,
    LogAttributes['sentry_filters.operation'] AS operation,
    toInt32OrZero(LogAttributes['http.response.status_code']) AS status,
    if(mapContains(LogAttributes, 'session.id'), LogAttributes['session.id'], NULL) AS session,
    LogAttributes['sentry_filters.confirmed'] = 'true' AS confirmed,
    LogAttributes['sentry_filters.handled'] = 'true' AS handled,
    nullIf(TraceId, '') AS trace_id,
    nullIf(ResourceAttributes['service.version'], '') AS release,
    if(
        ResourceAttributes['service.instance.id'] <> '',
        ResourceAttributes['service.instance.id'],
        concat(ResourceAttributes['host.name'], '/', ResourceAttributes['process.pid'])
    ) AS process
FROM otel_logs
WHERE ScopeName = 'sentry_filters' AND mapContains(LogAttributes, 'sentry_filters.handled')
ORDER BY Timestamp
LIMIT 1 BY id;

CREATE OR REPLACE VIEW sentry_filters.renewals AS
SELECT
    toUnixTimestamp64Milli(Timestamp) AS at,
    formatDateTime(Timestamp, '%Y-%m-%d %H:%i', 'UTC') AS minute,
    if(mapContains(LogAttributes, 'session.id'), LogAttributes['session.id'], NULL) AS session,
    if(mapContains(LogAttributes, 'sentry_filters.expiry'), LogAttributes['sentry_filters.expiry'], NULL) AS expiry,
    -- Releases before this attribute wrote renewals only.
    if(mapContains(LogAttributes, 'sentry_filters.reason'), LogAttributes['sentry_filters.reason'], 'renewed') AS reason,
    nullIf(ResourceAttributes['service.version'], '') AS release,
    if(
        ResourceAttributes['service.instance.id'] <> '',
        ResourceAttributes['service.instance.id'],
        concat(ResourceAttributes['host.name'], '/', ResourceAttributes['process.pid'])
    ) AS process
FROM otel_logs
WHERE ScopeName = 'sentry_filters'
    AND NOT mapContains(LogAttributes, 'sentry_filters.verdict')
    AND NOT mapContains(LogAttributes, 'sentry_filters.handled');

-- Cumulative counters become what they grew by. A value below the one before it, or another start, is a restart
-- and counts from 0; so does the oldest point that a retention has left: a window should begin after it.
CREATE OR REPLACE VIEW sentry_filters.totals AS
SELECT
    minute, counter, signal, verdict, label,
    toInt64(sum(growth)) AS count,
    release, process
FROM (
    SELECT
        formatDateTime(TimeUnix, '%Y-%m-%d %H:%i', 'UTC') AS minute,
        counter, signal, verdict, label, release, process,
        lagInFrame(Value, 1, 0) OVER (
            PARTITION BY process, release, counter, signal, verdict, label, confirmed, handled, StartTimeUnix
            ORDER BY TimeUnix, Value
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS before,
        if(is_delta OR Value < before, Value, Value - before) AS growth
    FROM (
        SELECT
            StartTimeUnix, TimeUnix, Value,
            substring(MetricName, length('sentry_filters.') + 1) AS counter,
            Attributes['signal'] AS signal,
            Attributes['verdict'] AS verdict,
            -- The one label that a counter has beside these.
            arrayFirst(
                text -> text <> '',
                [
                    Attributes['reason'], Attributes['kind'], Attributes['cause'], Attributes['source'],
                    Attributes['invariant'], Attributes['place'], Attributes['event']
                ]
            ) AS label,
            Attributes['confirmed'] AS confirmed,
            Attributes['handled'] AS handled,
            AggregationTemporality = 1 AS is_delta,
            ResourceAttributes['service.version'] AS release,
            if(
                ResourceAttributes['service.instance.id'] <> '',
                ResourceAttributes['service.instance.id'],
                concat(ResourceAttributes['host.name'], '/', ResourceAttributes['process.pid'])
            ) AS process
        FROM otel_metrics_sum
        WHERE startsWith(MetricName, 'sentry_filters.') AND IsMonotonic
    )
)
WHERE growth <> 0
GROUP BY minute, counter, signal, verdict, label, release, process;
