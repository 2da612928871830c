"""What tokens cost: a small table, ``prices.toml``, that anyone can correct."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from broadsheet.errors import ConfigError

_DATE = re.compile(r"-20\d\d-?\d\d-?\d\d$")
_FREE = frozenset({"extractive", "scripted"})


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens."""

    input: float
    cached: float
    output: float

    def cost(self, input_tokens: int, cached_tokens: int, output_tokens: int) -> float:
        """US dollars of an answer; ``cached_tokens`` are part of ``input_tokens``."""
        fresh = input_tokens - cached_tokens
        return (fresh * self.input + cached_tokens * self.cached + output_tokens * self.output) / 1e6


@dataclass(frozen=True, slots=True)
class Prices:
    """The table.

    Attributes:
        models: Price by model.
        batch_factor: What the Batch API costs of them.
    """

    models: Mapping[str, Price]
    batch_factor: float

    @classmethod
    def load(cls, path: Path | None = None) -> Prices:
        """Read a table; without a path, the one that comes with Broadsheet.

        Raises:
            ConfigError: It cannot be read, or a price is missing, negative or no number.
        """
        path = path or Path(__file__).with_name("prices.toml")
        try:
            tables = tomllib.loads(path.read_text(encoding="utf-8"))
            models = {
                name: Price(float(row["input"]), float(row["cached"]), float(row["output"]))
                for name, row in tables["models"].items()
            }
            factor = float(tables.get("batch", {}).get("factor", 1.0))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigError(
                f"The prices in {path} cannot be read ({error!r}); each model needs input, cached and output."
            ) from error
        numbers = [
            number for price in models.values() for number in (price.input, price.cached, price.output)
        ]
        if not all(math.isfinite(number) and number >= 0 for number in (*numbers, factor)):
            raise ConfigError(f"A price in {path}, or its factor, is negative or no number; correct it.")
        return cls(models, factor)

    def of(self, engine: str, model: str) -> Price | None:
        """The price of a model's tokens through an engine; None where it is unknown."""
        if engine in _FREE:
            return Price(0.0, 0.0, 0.0)
        price = self.models.get(model) or self.models.get(_DATE.sub("", model))
        if price is None or engine != "openai-batch":
            return price
        factor = self.batch_factor
        return Price(price.input * factor, price.cached * factor, price.output * factor)
