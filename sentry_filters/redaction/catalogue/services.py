"""Keys of the services that web back ends talk to: messages, mail, payments, offices."""

from __future__ import annotations

from sentry_filters.redaction.catalogue.kind import Body, prefixed
from sentry_filters.redaction.catalogue.kind import Listed as Kind

_MESSAGING = (
    Kind(
        "slack",
        r"xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9%/+=\-]{10,}",
        "xox",
        "Slack bot, user, app and session tokens",
    ),
    prefixed("slack-app", "xapp-", "Slack app-level tokens", body=Body.WORD),
    Kind(
        "slack-webhook",
        r"hooks\.slack(?:-gov)?\.com\\?/(?:services|workflows|triggers)\\?/([A-Za-z0-9/_\-+\\]{12,})",
        "hooks.slack",
        "Slack webhooks",
    ),
    Kind(
        "teams-webhook",
        r"(?:webhook\.office\.com\\?/webhookb2|outlook\.office\.com\\?/webhook)\\?/([A-Za-z0-9@/_\-\\]{30,})",
        "office.com",
        "Microsoft Teams webhooks",
    ),
    Kind(
        "discord-webhook",
        r"discord(?:app)?\.com\\?/api\\?/(?:v\d+\\?/)?webhooks\\?/\d+\\?/([A-Za-z0-9_\-]{20,})",
        "webhooks",
        "Discord webhooks",
    ),
    Kind(
        "discord",
        r"[MNO][A-Za-z0-9_\-]{22,27}\.[A-Za-z0-9_\-]{6}\.[A-Za-z0-9_\-]{27,}",
        ".",
        "Discord bot tokens",
    ),
    Kind("telegram", r"(?:bot)?\d{8,10}:A[A-Za-z0-9_\-]{32,}", ":A", "Telegram bot tokens"),
    Kind(
        "zapier-webhook",
        r"hooks\.zapier\.com\\?/hooks\\?/catch\\?/([A-Za-z0-9/\\]{8,})",
        "hooks.zapier.com",
        "Zapier webhooks",
    ),
    Kind("twilio", r"SK[a-f0-9]{32}", "SK", "Twilio API key ids"),
    Kind("sendgrid", r"SG\.[A-Za-z0-9_\-=.]{30,}", "SG.", "SendGrid API keys"),
    Kind("mailgun", r"key-[A-Za-z0-9]{32}|[a-f0-9]{32}-[a-f0-9]{8}-[a-f0-9]{8}\b", "-", "Mailgun API keys"),
    Kind("mailchimp", r"[a-f0-9]{32}-us\d{1,2}\b", "-us", "Mailchimp API keys"),
    prefixed("brevo", "xkeysib-", "Brevo API keys", least=32, body=Body.WORD),
    prefixed("brevo-smtp", "xsmtpsib-", "Brevo SMTP keys", least=32, body=Body.WORD),
    prefixed("mailersend", "mlsn.", "MailerSend API tokens", least=32),
    prefixed("klaviyo", "pk_live_", "keys that some call public and Klaviyo does not", least=40),
    prefixed("klaviyo-private", "pk_", "Klaviyo private keys", least=34),
    Kind("resend", r"re_[A-Za-z0-9]{6,10}_[A-Za-z0-9]{16,}", "re_", "Resend API keys"),
    prefixed("novu", "nv-", "Novu API keys", least=32, body=Body.HEX),
)

_MONEY = (
    Kind(
        "stripe", r"(?:sk|rk)_(?:live|test|prod)_[A-Za-z0-9]{10,}", "k_", "Stripe secret and restricted keys"
    ),
    prefixed(
        "webhook-secret",
        "whsec_",
        "webhook signing secrets of Stripe, Svix, Clerk",
        least=16,
        body=Body.BASE64,
    ),
    Kind("square", r"sq0[a-z]{3}-[A-Za-z0-9_\-]{20,}", "sq0", "Square tokens"),
    prefixed("square-access", "EAAA", "Square access tokens", least=56, body=Body.WORD),
    Kind(
        "braintree",
        r"access_token\$(?:production|sandbox)\$[a-z0-9]{16}\$[a-f0-9]{32}",
        "access_token$",
        "Braintree access tokens",
    ),
    prefixed("flutterwave", "FLWSECK", "Flutterwave secret keys", least=13, body=Body.WORD),
    prefixed("checkout", "sk_sbox_", "Checkout.com sandbox keys"),
    prefixed("paddle", "pdl_", "Paddle API keys", least=24, body=Body.WORD),
    prefixed("polar", "polar_", "Polar tokens", least=24, body=Body.WORD),
    prefixed("razorpay", "rzp_live_", "Razorpay live keys", least=14),
    prefixed("midtrans", "Mid-server-", "Midtrans server keys", least=16, body=Body.WORD),
    prefixed("easypost", "EZAK", "EasyPost keys", least=50),
    prefixed("easypost-test", "EZTK", "EasyPost test keys", least=50),
    prefixed("shippo", "shippo_live_", "Shippo live tokens"),
    prefixed("mercury", "mercury_production_", "Mercury API tokens", body=Body.WORD),
    prefixed("duffel", "duffel_live_", "Duffel tokens", body=Body.WORD),
    Kind(
        "plaid",
        r"access-(?:sandbox|development|production)-[a-f0-9\-]{30,}",
        "access-",
        "Plaid access tokens",
    ),
    Kind("shopify", r"shp[a-z]{2,3}_[A-Za-z0-9]{16,}", "shp", "Shopify tokens"),
)

_OFFICE = (
    prefixed("facebook", "EAA", "Facebook and Meta access tokens", least=60),
    prefixed("notion", "ntn_", "Notion integration tokens", least=32),
    prefixed("notion-old", "secret_", "older Notion tokens", least=32),
    Kind("airtable", r"pat[A-Za-z0-9]{14}\.[a-f0-9]{32,}", "pat", "Airtable personal access tokens"),
    Kind("figma", r"fig[a-z]{1,2}_[A-Za-z0-9_\-]{20,}", "fig", "Figma tokens"),
    Kind("clickup", r"pk_\d{5,}_[A-Z0-9]{20,}", "pk_", "ClickUp tokens"),
    prefixed("linear", "lin_api_", "Linear API keys"),
    prefixed("linear-oauth", "lin_oauth_", "Linear OAuth tokens"),
    prefixed("postman", "PMAK-", "Postman API keys", least=30, body=Body.WORD),
    prefixed("typeform", "tfp_", "Typeform tokens", least=30, body=Body.DOTTED),
    prefixed("contentful", "CFPAT-", "Contentful tokens", least=30, body=Body.WORD),
    prefixed("frameio", "fio-u-", "Frame.io tokens", least=30, body=Body.WORD),
    prefixed("readme", "rdme_", "ReadMe API keys", least=30),
    prefixed("dropbox", "sl.", "Dropbox access tokens", least=40, body=Body.DOTTED),
    prefixed("pinterest", "pina_", "Pinterest access tokens"),
    prefixed("lichess", "lip_", "Lichess access tokens", least=16),
    Kind("salesforce", r"00D[A-Za-z0-9]{9,15}![A-Za-z0-9._]{30,}", "00D", "Salesforce session ids"),
    Kind("hubspot", r"pat-(?:na|eu|ap)\d-[a-f0-9]{8}-[a-f0-9\-]{20,}", "pat-", "HubSpot private app tokens"),
    Kind("mapbox", r"sk\.eyJ[A-Za-z0-9_\-]{16,}\.[A-Za-z0-9_\-]{16,}", "sk.eyJ", "Mapbox secret tokens"),
    prefixed("workato", "wrkaus-", "Workato API tokens", body=Body.DOTTED),
    prefixed("stytch", "secret-live-", "Stytch secrets", least=20, body=Body.BASE64),
)

SERVICE_KINDS: tuple[Kind, ...] = (*_MESSAGING, *_MONEY, *_OFFICE)
