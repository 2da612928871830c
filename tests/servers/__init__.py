"""Loopback servers that tests and benchmarks share; real HTTP, nothing beyond 127.0.0.1."""
