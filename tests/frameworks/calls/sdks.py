"""Vendors' SDKs."""

from __future__ import annotations

from typing import Any

from tests.frameworks.targets import MESSAGES, Target


def _openai(target: Target) -> Any:
    import openai

    return openai.OpenAI(base_url=target.url, api_key=target.key, max_retries=0)


def openai_chat(target: Target) -> object:
    return _openai(target).chat.completions.create(model="m", messages=MESSAGES)


def openai_stream(target: Target) -> object:
    return list(_openai(target).chat.completions.create(model="m", messages=MESSAGES, stream=True))


def openai_responses(target: Target) -> object:
    return _openai(target).responses.create(model="m", input="hi")


def openai_embeddings(target: Target) -> object:
    return _openai(target).embeddings.create(model="m", input="hi")


async def openai_async(target: Target) -> object:
    import openai

    client = openai.AsyncOpenAI(base_url=target.url, api_key=target.key, max_retries=0)
    return await client.chat.completions.create(model="m", messages=MESSAGES)


async def openai_async_stream(target: Target) -> object:
    import openai

    client = openai.AsyncOpenAI(base_url=target.url, api_key=target.key, max_retries=0)
    stream = await client.chat.completions.create(model="m", messages=MESSAGES, stream=True)
    return [chunk async for chunk in stream]


def anthropic(target: Target) -> object:
    import anthropic as library

    client = library.Anthropic(base_url=target.root, api_key=target.key, max_retries=0)
    return client.messages.create(model="m", max_tokens=9, messages=MESSAGES)


def mistralai(target: Target) -> object:
    from mistralai.client import Mistral

    return Mistral(api_key=target.key, server_url=target.root).chat.complete(model="m", messages=MESSAGES)


def cohere(target: Target) -> object:
    import cohere as library

    client = library.ClientV2(api_key=target.key, base_url=target.root)
    return client.chat(model="m", messages=MESSAGES, request_options={"max_retries": 0})


def _genai(target: Target) -> Any:
    from google import genai
    from google.genai import types

    return genai.Client(api_key=target.key, http_options=types.HttpOptions(base_url=target.root))


def google_genai(target: Target) -> object:
    client = _genai(target)  # is closed when nobody holds it
    return client.models.generate_content(model="m", contents="hi")


async def google_genai_async(target: Target) -> object:
    client = _genai(target)
    return await client.aio.models.generate_content(model="m", contents="hi")


def ollama(target: Target) -> object:
    import ollama as library

    return library.Client(host=target.root, headers=target.headers).chat(model="m", messages=MESSAGES)
