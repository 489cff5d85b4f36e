"""Adapters that postpone LLM jobs while the gate is closed; import the module of the library that you use."""
