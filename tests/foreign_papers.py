"""Twelve invented papers, for `foreign_writers` to put down as services and tools do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Invented:
    """A paper as its authors would describe it.

    Attributes:
        people: Given name, family name and suffix of each author.
        key: Its id at the tool that lists it.
    """

    key: str
    title: str
    abstract: str
    people: tuple[tuple[str, str, str], ...]
    published: date
    arxiv: str = ""
    version: int | None = None
    doi: str = ""
    comment: str = ""

    @property
    def authors(self) -> tuple[str, ...]:
        return tuple(" ".join(part for part in person if part) for person in self.people)


def _people(*names: str) -> tuple[tuple[str, str, str], ...]:
    return tuple((given, family, suffix) for given, family, suffix in (name.split("|") for name in names))


PAPERS = (
    Invented(
        "k01",
        "Harbour Clocks: Timing Tides with $k$ Bells",
        "Tide clocks drift. We ring $k$ bells at $p<0.05$ & gain 7% on 12 harbours.",
        _people("Ada|Example|", "Bo|Sample|"),
        date(2025, 3, 2),
        "2503.01234",
        2,
        "",
        "12 pages, 3 figures",
    ),
    Invented(
        "k02",
        "Étale Lanterns over Ångström Seas",
        "Lanterns of the Ångström coast are modelled as covers. Their naïve glow is bounded by $x_i<y$.",
        _people("Zoë|van der Lamp|", "Łukasz|Wzór|"),
        date(2024, 12, 31),
        "2412.09999",
        1,
    ),
    Invented(
        "k03",
        "Ferries, Fog, and Forecasts",
        "Ferries run late in fog. We forecast by how much.",
        _people("Cy|Third|Jr.", "Dee|Fourth|", "Eli|Fifth|"),
        date(2023, 6, 12),
        doi="10.5555/ferry.2023.17",
    ),
    Invented(
        "k04",
        "Mooring without Ropes",
        "",
        _people("Fay|Sixth|"),
        date(2022, 2, 28),
        doi="10.5555/moor(22)4-1",
    ),
    Invented(
        "k05",
        "What Do Buoys Know? An Empirical Study",
        'Buoys are asked 1,204 questions; they answer "yes" to half of them; code is at'
        " https://github.com/example-lab/buoys.",
        _people("Guo|Seventh|", "Hana|Eighth|", "Ivo|Ninth|"),
        date(2024, 2, 29),
        "2402.18888",
        4,
        "10.5555/buoys",
        "Code: https://github.com/example-lab/buoys-2",
    ),
    Invented(
        "k06",
        "Salt & Rust in Long-Running Dredgers",
        "Rust > salt.\n\nBut only where paint is thin, as <50 hulls show.",
        _people("Jo|Tenth|"),
        date(2021, 1, 1),
        doi="10.5555/rust.1",
    ),
    Invented(
        "k07",
        "Kelp Graphs",
        "A kelp graph sways. We count its cuts in $O(n \\log n)$ time.",
        _people("Kim|Eleventh|", "Lee|Twelfth|"),
        date(2019, 11, 5),
        "1911.00777",
        3,
    ),
    Invented(
        "k08",
        "Old Charts Read Anew",
        "We read charts of 1703 with a scanner of our own.",
        _people("Mo|Thirteenth|"),
        date(2007, 4, 2),
        "cs/0704123",
        1,
    ),
    Invented(
        "k09",
        "Pilots That Refuse: Saying No at the Harbour Mouth",
        "A pilot that refuses is safe.\nWe train pilots that refuse\nwhen the tide is against them.",
        _people("Nia|Fourteenth|", "Ola|Fifteenth|"),
        date(2025, 10, 9),
        "2510.00001",
        1,
        "",
        "Accepted at FogConf",
    ),
    Invented(
        "k10",
        "Quays: A Data Set of 3,000 Quays",
        "We list 3,000 quays, with depth, length and mood.",
        _people("Pia|Sixteenth|", "Qi|Seventeenth|", "Ro|Eighteenth|", "Su|Nineteenth|"),
        date(2020, 7, 4),
        doi="10.5555/quays",
    ),
    Invented(
        "k11",
        "Rip Currents as Random Walks",
        "",
        _people("Ty|Twentieth|"),
        date(2018, 9, 30),
        "1809.55555",
        1,
    ),
    Invented(
        "k12",
        "灯台: Lighthouses in Small Worlds",
        "灯台 is a lighthouse; a small world has few of them.",
        _people("Uma|Last|"),
        date(2026, 1, 15),
        "2601.07070",
        1,
    ),
)
