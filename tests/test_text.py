"""Prose: white space, sentences, markup, numbers, and phrases that stand in it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.markup import plain
from broadsheet.quantities import numbers_in, ungrounded_numbers
from broadsheet.text import sentence_spans, sentences, singular, squash, stands_in
from broadsheet.visible import visible
from growth import grows_linearly


@pytest.mark.parametrize(
    ("marked_up", "read"),
    [
        (r"$\alpha$-divergence", "α-divergence"),
        (r"a \textbf{bold} and \emph{soft} word", "a bold and soft word"),
        (r"gains of 5\% at $O(n^2)$", "gains of 5% at O(n²)"),
        (r"$10^{-3}$ and $\mathbb{R}^{d}$", "10⁻³ and R^d"),
        (r"as Zebu~\cite{zebu2020} said~[12, 13].", "as Zebu said."),
        (r"H\"older, Erd\H{o}s, \'{e}t\'e", "Hölder, Erdős, été"),
        (r"costs \$5", "costs $5"),
        ("``quoted'' words -- and more---still", '"quoted" words – and more — still'),
        ("**bold**, *soft*, `code`, [text](https://a.org/x)", "bold, soft, code, text"),
        ("<b>bold</b> &amp; a < b", "bold & a < b"),
        ("3.18times faster, sim!!25% and 2mathord,000", "3.18× faster, ~25% and 2,000"),
        ("{\\bf bold} foo_bar A^*", "bold foo_bar A*"),
        ("ze\u200bro \u202ewidth", "zero width"),
        ("many times over", "many times over"),
    ],
)
def test_markup_becomes_what_a_reader_would_see(marked_up: str, read: str) -> None:
    assert plain(marked_up) == read


@given(st.text(max_size=200))
def test_plain_text_is_one_printable_line(text: str) -> None:
    assert plain(text).isprintable()
    assert plain(text) == squash(plain(text))


@given(st.text(alphabet="abc XYZ.,;", max_size=100))
def test_text_without_markup_keeps_its_words(text: str) -> None:
    assert "".join(plain(text).split()) == "".join(text.split())


def test_invisible_characters_are_taken_out_and_white_space_stays() -> None:
    assert visible("a\u200b\u202e\x00b\n\tc") == "ab c"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("One ends. Two ends.", ("One ends.", "Two ends.")),
        ("We use e.g. stripes, i.e. lines. Then stop.", ("We use e.g. stripes, i.e. lines.", "Then stop.")),
        (
            "Zebu et al. say so. See Fig. 3 for 3.5 points.",
            ("Zebu et al. say so.", "See Fig. 3 for 3.5 points."),
        ),
        ("It is at https://a.org/b.c. Now go.", ("It is at https://a.org/b.c.", "Now go.")),
        ("J. Zebu wrote it. It is class A. We agree.", ("J. Zebu wrote it.", "It is class A.", "We agree.")),
        ("It wins. iZebra wins too. https://a.org/x", ("It wins.", "iZebra wins too.", "https://a.org/x")),
        ("It lost its space.We go on.", ("It lost its space.", "We go on.")),
        ("Does it? Yes! (Really.) Done", ("Does it?", "Yes!", "(Really.)", "Done")),
        ("stripes vs. dots. max. gain", ("stripes vs. dots. max. gain",)),
        ("", ()),
    ],
)
def test_a_sentence_ends_where_a_reader_would_end_it(text: str, parts: tuple[str, ...]) -> None:
    assert sentences(text) == parts


@given(st.text(max_size=300))
def test_no_word_is_lost_between_sentences(text: str) -> None:
    spans = list(sentence_spans(text))
    assert "".join("".join(text[start:end] for start, end in spans).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("3.18times 3.18x 3.18× 3.18-fold 3.18 times", ["3.18x"] * 5),
        (r"5\% 5 percent $5\%$ 5 percentage points", ["5%"] * 4),
        ("1,000 1k 1K 1{,}000 1 thousand", ["1000"] * 5),
        ("1.5B 1.5 billion", ["1500000000"] * 2),
        ("GPT-4 CIFAR-10 ImageNet-1K ResNet50 3D top-1 L2", []),
        ("10-20% or 2 to 3x", ["10%", "20%", "2x", "3x"]),
        ("5-shot on 256x256 with 0.70 and .5", ["5", "256", "0.7", "0.5"]),
    ],
)
def test_a_number_has_one_form_however_it_is_written(text: str, numbers: list[str]) -> None:
    assert [number.value + number.unit for number in numbers_in(text)] == numbers


def test_spelled_out_numbers_ground_digits() -> None:
    assert ungrounded_numbers("3 tasks, 2x faster, 5%", "three tasks, twice as fast, five percent") == ()


def test_a_unit_must_stand_with_its_number() -> None:
    assert ungrounded_numbers("gains 5% and 5x", "gains 5 points") == ("5%", "5x")
    assert ungrounded_numbers("gains 5 points", "gains 5%") == ()


@given(st.integers(0, 10**9), st.sampled_from(["", "%", "x", " times", " percent"]))
def test_a_text_grounds_its_own_numbers_and_no_other(number: int, unit: str) -> None:
    assert ungrounded_numbers(f"gains {number}{unit}", f"it gains {number:,}{unit} here") == ()
    assert ungrounded_numbers(f"gains {number + 1}{unit}", f"it gains {number:,}{unit} here")


@pytest.mark.parametrize(
    ("phrase", "text", "stands"),
    [
        ("data set", "Datasets are large", True),
        ("pretraining", "a pre-training step", True),
        ("LLMs", "an LLM", True),
        ("image classification", "Image\nclassification", True),
        ("net", "networks", False),
        ("zebra stripes", "zebra and stripes", False),
        ("", "text", False),
        ("...", "text ...", False),
    ],
)
def test_a_phrase_stands_as_whole_words(phrase: str, text: str, *, stands: bool) -> None:
    assert stands_in(phrase, text) is stands


@given(st.lists(st.text(alphabet="abcXYZ019", min_size=1, max_size=8), min_size=1, max_size=12), st.data())
def test_any_run_of_a_texts_words_stands_in_it(words: list[str], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first, len(words) - 1))
    assert stands_in(" ".join(words[first : last + 1]).upper(), " ".join(words))


@pytest.mark.parametrize("read", [plain, sentences, numbers_in, lambda text: stands_in("zebra", text)])
@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "a ",
        ". ",
        "e.g. ",
        "1",
        "1-",
        "(",
        "{",
        "\\a{",
        "$",
        "*",
        "_",
        "[1,",
        "A.",
        "a_{",
        "~",
        "\\cite{a",
        "-a",
    ],
)
def test_time_grows_with_the_length_of_the_text(read: Callable[[str], object], piece: str) -> None:
    assert grows_linearly(read, piece)


@given(
    words=st.lists(
        st.sampled_from(["data set", "Datasets", "net", "networks", "x", "GPT-4", "a's"]), max_size=6
    ),
    joined=st.sampled_from([" ", "-", "_", "", ". ", "é", "\u0301"]),
    phrase=st.sampled_from(["data set", "dataset", "net", "work", "gpt", "GPT-4", "4", "s x", "x", "set"]),
)
def test_the_form_of_writing_makes_no_difference_to_whether_a_phrase_stands(
    words: list[str], joined: str, phrase: str
) -> None:
    wide = "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in phrase)
    text = joined.join(words)
    assert stands_in(phrase, text) == stands_in(wide, text)


def test_a_bias_is_singular_and_biases_are_its_plural() -> None:
    assert singular("bias") == singular("biases") == "bias"
    assert stands_in("dataset bias", "Models rely on dataset biases.")


def test_an_arrow_that_lost_its_backslash_keeps_the_names_beside_it_apart() -> None:
    assert plain("from GTAvrightarrowCityscapes") == "from GTAv → Cityscapes"


QUANTIFIED = st.text(st.sampled_from("0123456789.,-_%xX×kMD ab\n\tfold()½²éA/٣"), max_size=30)


@given(QUANTIFIED, QUANTIFIED)
def test_words_without_digits_hide_no_number_before_or_behind_them(before: str, behind: str) -> None:
    apart = numbers_in(before) + numbers_in(behind)
    assert numbers_in(f"{before} . lanterns . {behind}") == apart
