"""What tokens cost: a small table, ``prices.toml``, that anyone can correct."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from broadsheet.errors import ConfigError
from broadsheet.toml_file import parse_toml

_DATE = re.compile(r"-20\d\d-?\d\d-?\d\d$")


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens."""

    input: float
    cached: float
    output: float

    def cost(self, input_tokens: int, cached_tokens: int, output_tokens: int) -> float:
        """Return the US dollars of an answer; ``cached_tokens`` are part of ``input_tokens``."""
        fresh = input_tokens - cached_tokens
        return (fresh * self.input + cached_tokens * self.cached + output_tokens * self.output) / 1e6


@dataclass(frozen=True, slots=True)
class Prices:
    """The table: the price of each model."""

    models: Mapping[str, Price]

    @classmethod
    def load(cls, path: Path | None = None) -> Prices:
        """Read a table; without a path, the one that comes with Broadsheet.

        Raises:
            ConfigError: It cannot be read, or a price is missing, negative or no number.
        """
        path = path or Path(__file__).with_name("prices.toml")
        try:
            tables = parse_toml(path.read_text(encoding="utf-8"), str(path))
            models = {
                name: Price(float(row["input"]), float(row["cached"]), float(row["output"]))
                for name, row in tables["models"].items()
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigError(
                f"The prices in {path} cannot be read ({error!r}); each model needs input, cached and output."
            ) from error
        numbers = [
            number for price in models.values() for number in (price.input, price.cached, price.output)
        ]
        if not all(math.isfinite(number) and number >= 0 for number in numbers):
            raise ConfigError(f"A price in {path} is negative or no number; correct it.")
        return cls(models)

    def of(self, model: str, factor: float = 1.0) -> Price | None:
        """Return the price of a model's tokens; None if it is unknown.

        Args:
            model: Its name.
            factor: What the engine costs of the list price; one that costs nothing needs no price.
        """
        if not factor:
            return Price(0.0, 0.0, 0.0)
        price = self.models.get(model) or self.models.get(_DATE.sub("", model))
        return price and Price(price.input * factor, price.cached * factor, price.output * factor)
