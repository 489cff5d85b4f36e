"""Keys of what watches, deploys and signs in: observability, automation, identity."""

from __future__ import annotations

from sentry_filters.redaction.catalogue.kind import Body, prefixed
from sentry_filters.redaction.catalogue.kind import Listed as Kind

OPERATIONS_KINDS: tuple[Kind, ...] = (
    prefixed("sentry-user", "sntryu_", "Sentry user tokens", least=24),
    prefixed("sentry-organisation", "sntrys_", "Sentry organisation tokens", least=24, body=Body.BASE64),
    Kind("sentry", r"sntry[a-z]{1,2}_[A-Za-z0-9+/=_\-]{24,}", "sntry", "further Sentry tokens"),
    prefixed("datadog-app", "ddapp_", "Datadog application keys", least=24),
    Kind("newrelic", r"NR[A-Z]{2}-[A-Za-z0-9]{16,}", "NR", "New Relic keys"),
    prefixed("newrelic-licence", "NRAL", "New Relic licence keys", least=32),
    prefixed("grafana-cloud", "glc_", "Grafana Cloud tokens", least=16, body=Body.BASE64),
    prefixed("grafana", "glsa_", "Grafana service-account tokens", least=16, body=Body.BASE64),
    Kind("dynatrace", r"dt0[a-z]\d{2}\.[A-Z0-9]{20,}(?:\.[A-Z0-9]{20,})?", "dt0", "Dynatrace tokens"),
    Kind("honeycomb", r"hc[a-z](?:i|l)[kc]_[a-z0-9]{24,}", "hc", "Honeycomb keys"),
    prefixed("honeybadger", "hbp_", "Honeybadger personal tokens"),
    prefixed("posthog", "phx_", "PostHog personal API keys", least=30),
    prefixed("posthog-secret", "phs_", "PostHog secret keys", least=30),
    prefixed("onesignal", "os_v2_", "OneSignal API keys", least=24, body=Body.WORD),
    prefixed("wakatime", "waka_", "WakaTime API keys", body=Body.WORD),
    prefixed("telnyx", "KEY0", "Telnyx API keys", least=40, body=Body.WORD),
    prefixed("databento", "db-", "Databento API keys", least=28),
    prefixed("samsara", "samsara_api_", "Samsara API tokens"),
    prefixed("persona", "persona_production_", "Persona API keys", body=Body.WORD),
    prefixed("configcat", "configcat-sdk-", "ConfigCat SDK keys", body=Body.BASE64),
    prefixed("devcycle", "dvc_server_", "DevCycle server keys", body=Body.WORD),
    prefixed("trigger", "tr_prod_", "Trigger.dev keys", least=16),
    prefixed("trigger-dev", "tr_dev_", "Trigger.dev development keys", least=16),
    prefixed("inngest", "signkey-", "Inngest signing keys", least=24, body=Body.WORD),
    prefixed("prefect", "pnu_", "Prefect API keys", least=30),
    prefixed("n8n", "n8n_api_", "n8n API keys", least=16, body=Body.WORD),
    prefixed("ory", "ory_", "Ory tokens", least=24, body=Body.DOTTED),
    Kind("okta", r"SSWS(?:\s|%20|\+)([A-Za-z0-9_\-]{20,})", "SSWS", "Okta API tokens in a header"),
    prefixed("ak", "ak_", "long keys behind ak", least=40),
    Kind(
        "self-named",
        r"[a-z]{2,12}[_\-](?:live|prod|production|test|sandbox|secret|sk|pat|api|apikey|key|token|org|client|server|admin|sat|rk)"
        r"[_\-][A-Za-z0-9]*\d[A-Za-z0-9]{15,}[A-Za-z0-9_\-]*",
        "",
        "what looks like the keys of the many services that put their name and the key's purpose first",
    ),
)
