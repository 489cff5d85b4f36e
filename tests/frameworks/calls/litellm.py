"""litellm, and what is built on it."""

from __future__ import annotations

from typing import Any

from tests.frameworks.targets import MESSAGES, Target


def _options(target: Target) -> dict[str, Any]:
    return {"model": "openai/m", "api_base": target.url, "api_key": target.key, "max_retries": 0}


def completion(target: Target) -> object:
    import litellm

    return litellm.completion(messages=MESSAGES, **_options(target))


async def acompletion(target: Target) -> object:
    import litellm

    return await litellm.acompletion(messages=MESSAGES, **_options(target))


def stream(target: Target) -> object:
    import litellm

    return list(litellm.completion(messages=MESSAGES, stream=True, **_options(target)))


def _router(target: Target) -> Any:
    import litellm

    names = {"first": target, "second": target.fallback}
    models: Any = [
        {"model_name": name, "litellm_params": _options(one)}
        for name, one in names.items()
        if one is not None
    ]
    fallbacks: Any = [] if target.fallback is None else [{"first": ["second"]}]
    return litellm.Router(model_list=models, fallbacks=fallbacks, num_retries=0)


def router(target: Target) -> object:
    return _router(target).completion(model="first", messages=MESSAGES)


async def router_async(target: Target) -> object:
    return await _router(target).acompletion(model="first", messages=MESSAGES)


def dspy(target: Target) -> object:
    import dspy as library

    model = library.LM(
        "openai/m", api_base=target.url, api_key=target.key, cache=False, num_retries=0, max_retries=0
    )
    with library.context(lm=model):
        return library.Predict("question -> answer")(question="hi")


def smolagents(target: Target) -> object:
    from smolagents import LiteLLMModel, ToolCallingAgent

    model = LiteLLMModel("openai/m", api_base=target.url, api_key=target.key, max_retries=0)
    return ToolCallingAgent(tools=[], model=model, max_steps=1).run("hi")
