"""LaTeX in values is decoded a word at a time, and says what it says decoded as a whole."""

from __future__ import annotations

import pytest
from bibtexparser.library import Library
from bibtexparser.middlewares import LatexDecodingMiddleware
from bibtexparser.model import Entry, Field
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.sources import latex

BITS = (
    *("word", "don't", "a~b", "--", "---", "#1", "a_b", r"50\%", r"\& co", r"\\ next", '"quoted"'),
    *(r"\o", r"\ss", r"\'e", r"\~n", r"\^{\i}", r"{\'e}tudes", r"\c{c}", r"\c c", r"M{\"u}ller", r"\"o"),
    *(r"\v{S}imon", r"\L\'od\'z", r"\url{http://x.y/a_b}", r"$x_1$", r"$\frac{a}{b}$", r"$x + y$ is"),
    *(r"\o re", r"\alpha beta", r"{\bf bold words here}", r"\emph{a b}", r"\emph {c d}"),
    *("``quoted words''", r"{Nested {deep {er}} x}", r"\textit{in $x$ it}", r"\begin{x} a \end{x}"),
)


def as_a_whole(value: str) -> str:
    library = Library([Entry("misc", "one", [Field("value", value)])])
    return str(LatexDecodingMiddleware().transform(library).entries[0]["value"])


@given(st.lists(st.sampled_from(BITS), min_size=1, max_size=8).map(" ".join))
def test_pieces_say_together_what_the_whole_value_says(value: str) -> None:
    assert latex.decoded([value])[value] == as_a_whole(value)


def test_words_without_latex_never_reach_the_decoder_and_others_do_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    handed: list[str] = []
    transform = LatexDecodingMiddleware.transform

    def counting(self: LatexDecodingMiddleware, library: Library) -> Library:
        handed.extend(str(entry["piece"]) for entry in library.entries)
        return transform(self, library)

    monkeypatch.setattr(LatexDecodingMiddleware, "transform", counting)
    values = [
        rf"We count herons {number} times, and find 50\% more by G\"odel's way." for number in range(300)
    ]
    read = latex.decoded(values)
    assert sorted(handed) == [r"50\%", r"G\"odel's"]
    assert read[values[7]] == "We count herons 7 times, and find 50% more by Gödel's way."


def test_no_more_than_so_much_of_one_value_is_decoded() -> None:
    value = r"\'e " * latex.MOST_CHARACTERS
    read = latex.decoded([value])[value]
    assert read.startswith("é é é")
    assert read.endswith(value[latex.MOST_CHARACTERS :])
