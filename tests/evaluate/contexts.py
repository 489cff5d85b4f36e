"""The contexts of telemetry in which a key, or a harmless id, occurs."""

from __future__ import annotations

import random

# `{s}` is the value, `{v}`, `{V}` and `{C}` the service's name in lower case, upper case and capitalised.
BESIDE = (
    "{v}_api_key={s}",
    "{V}_API_KEY='{s}'",
    "export {V}_SECRET={s}",
    '{{"{v}ApiKey": "{s}", "n": 1}}',
    "{{'{v}_token': '{s}'}}",
    "{{'token': '{s}', 'attempt': 2}}",
    "api key: {s}",
    "{C} API key: {s}",
    "access token: {s}",
    "Access Token = {s}",
    "{v}_secret -> {s}",
    ":{v}_token => '{s}'",
    "X-{C}-Token: {s}",
    "X-Api-Key: {s}",
    "Authorization: Bearer {s}",
    "Authorization: Token token={s}",
    "GET https://api.{v}.test/v1/items?api_key={s}&limit=5 -> 403",
    "GET https://api.{v}.test/v1/items?access_token={s}",
    "{C}Client(api_key='{s}', retries=3)",
    "{C}Client(base_url='https://api.{v}.test', token='{s}')",
    "<{v}_token>{s}</{v}_token>",
    '<add key="{C}Token" value="{s}"/>',
    "{v}:\n  api_token: {s}\n  region: eu",
    '{{"name": "{V}_TOKEN", "value": "{s}"}}',
    "the {v} token is {s}",
    "{v} secret - {s}",
    "curl -H 'X-{C}-Key: {s}' https://api.{v}.test/",
    "map[api_key:{s} region:eu]",
    "{v}.api.key = {s}",
    "--{v}-api-key {s} --verbose",
    "--token={s}",
    "{{'headers': [(b'x-api-key', b'{s}')]}}",
    "secret={s}; path=/",
    "| {v} api key | {s} |",
    "password: {s}",
)
JOINED = (
    "using {v} token {s}",
    "{v} secret {s} expired",
    "calling {v} with api key {s} failed",
    "could not refresh {v} access token {s}",
    "ValueError: {v} token '{s}' was rejected (status=403)",
    "bad {v} credential {s}",
    "{v} api-key {s}",
    "rotated secret {s} of {v}",
    "invalid token-{s}",
    "token {s} has been revoked",
    "Retrying {v} request with credentials ({s})",
    "Unauthorized: the key you gave ({s}) is unknown",
    "get_{v}_token() returned '{s}'",
    "bearer token [{s}] not accepted",
    "sent password {s} to {v}",
    "logged in with the API key {s}",
)
NAMED = (
    "{v}: {s}",
    "{v}={s}",
    '{{"{v}": "{s}"}}',
    "{v} authentication failed for {s}",
    "{C}('{s}')",
    "{V} = '{s}'",
    "{{'{v}': '{s}', 'n': 1}}",
    "401 Client Error from {v} for {s}",
    "could not log in to {v} with {s}",
)
OWN_FORM = (
    '{{"input": ["{s}", "eu"]}}',
    "401 Unauthorized: {s}",
    "args=('{s}',) kwargs={{}}",
    "POST https://api.{v}.test/v1/{s}/messages 500",
    "Error: could not log in with {s} (HTTP 403)",
    "connecting with {s}",
    "self.session = open('{s}')",
    "{s}",
    "argv: deploy {s} eu",
    "return fetch(client, '{s}')",
    "body=b'{s}'",
    "line 3: {s}",
)
HARMLESS = (
    "{n}: {s}",
    "{n}={s}",
    '{{"{n}": "{s}", "status": "ok"}}',
    "{{'{n}': '{s}', 'attempt': 1}}",
    "Refreshing token cache for {n} {s}",
    "keys rotated; previous {n} was {s}",
    "RuntimeError: {w} {s} not found",
    "GET /v1/items/{s}?page=2 HTTP/1.1 200",
    "auth ok user=4711 {n}={s}",
    "Session({n}='{s}', active=True)",
    "Token usage of {n} {s}: 812 in, 77 out",
    "The secret manager was asked by {w} {s}",
    "401 for {w} {s}, retried",
    "password changed ({n}={s})",
    "no key for {w} {s}",
    "loaded {s} from the key store's cache",
    "{n} -> {s} (api key hidden)",
    "unauthorized: {w} {s} belongs to somebody else",
    "credentials of {w} {s} were rotated",
)


def filled(context: str, value: str, vendor: str) -> str:
    """The context with a value in it, of a service of this name."""
    return context.format(s=value, v=vendor, V=vendor.upper(), C=vendor.capitalize())


def harmless(dice: random.Random, name: str, value: str) -> str:
    """A line in which an id of this name stands."""
    return dice.choice(HARMLESS).format(n=name, s=value, w=name.replace("_", " "))
