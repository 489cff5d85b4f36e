"""Frameworks for agents, each on the OpenAI protocol."""

from __future__ import annotations

from typing import Any, TypedDict

from tests.frameworks.targets import MESSAGES, Target


class _State(TypedDict):
    text: str


def langgraph(target: Target) -> object:
    """A graph with one node, whose model falls back on another where the target names one."""
    from langchain_openai import ChatOpenAI
    from langgraph.graph import END, START, StateGraph

    def model_of(one: Target) -> Any:
        return ChatOpenAI(model="m", base_url=one.url, api_key=one.key, max_retries=0)

    model = model_of(target)
    if target.fallback is not None:
        model = model.with_fallbacks([model_of(target.fallback)])
    graph = StateGraph(_State)
    graph.add_node("answer", lambda state: {"text": model.invoke(state["text"]).content})
    graph.add_edge(START, "answer")
    graph.add_edge("answer", END)
    return graph.compile().invoke({"text": "hi"})


def pydantic_ai(target: Target) -> object:
    from pydantic_ai import Agent
    from pydantic_ai.models.fallback import FallbackModel
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    def model_of(one: Target) -> Any:
        return OpenAIChatModel("m", provider=OpenAIProvider(base_url=one.url, api_key=one.key))

    model = model_of(target)
    if target.fallback is not None:
        model = FallbackModel(model, model_of(target.fallback))
    return Agent(model).run_sync("hi").output


def _agent(target: Target) -> Any:
    from agents import Agent, OpenAIChatCompletionsModel, set_tracing_disabled
    from openai import AsyncOpenAI

    set_tracing_disabled(disabled=True)
    client = AsyncOpenAI(base_url=target.url, api_key=target.key, max_retries=0)
    return Agent(name="a", model=OpenAIChatCompletionsModel(model="m", openai_client=client))


def openai_agents(target: Target) -> object:
    from agents import Runner

    return Runner.run_sync(_agent(target), "hi").final_output


async def openai_agents_streamed(target: Target) -> object:
    from agents import Runner

    result = Runner.run_streamed(_agent(target), "hi")
    return [event async for event in result.stream_events()]


def instructor(target: Target) -> object:
    import instructor as library
    import openai
    from pydantic import create_model

    answer = create_model("Answer", text=(str, ...))
    client = library.from_openai(openai.OpenAI(base_url=target.url, api_key=target.key, max_retries=0))
    return client.chat.completions.create(model="m", messages=MESSAGES, response_model=answer, max_retries=1)


def smolagents(target: Target) -> object:
    from smolagents import OpenAIModel, ToolCallingAgent

    model = OpenAIModel("m", api_base=target.url, api_key=target.key, client_kwargs={"max_retries": 0})
    return ToolCallingAgent(tools=[], model=model, max_steps=1).run("hi")


def crewai(target: Target) -> object:
    from crewai import LLM, Agent, Crew, Task

    model = LLM(model="openai/m", base_url=target.url, api_key=target.key, max_retries=0)
    agent = Agent(role="r", goal="g", backstory="b", llm=model, max_retry_limit=0)
    task = Task(description="d", expected_output="e", agent=agent)
    return Crew(agents=[agent], tasks=[task]).kickoff()
