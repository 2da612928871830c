"""Addresses as abstracts write them, and as a reader needs them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.urls import canonical, find_urls, unique
from growth import grows_linearly

R = "https://github.com/owner/zebra"

WRITTEN = [
    (f"Code at {R}.", [R]),
    (f"({R}).", [R]),
    (f"{R}.git{{{R}.git}}", [R, R]),
    (f"{R}.git.", [R]),
    ("https://github.com/owner/vggt", ["https://github.com/owner/vggt"]),
    (rf"\url{{{R}}}", [R]),
    (rf"\href{{{R}}}{{here}}", [R]),
    (f"available~{R}{{here.}}", [R]),
    (f"webpage.{R}.", [R]),
    (f"{R}~and more", [R]),
    (f"\"{R}\", '{R}'; {R},", [R, R, R]),
    (f"[code]({R}) <{R}>", [R, R]),
    ("www.zebra.org/x.", ["https://www.zebra.org/x"]),
    ("at github.com/owner/zebra, and", [R]),
    ("zebra.github.io/page", ["https://zebra.github.io/page"]),
    ("https:// github.com/owner/zebra", [R]),
    ("https://github. com/owner/zebra", [R]),
    ("https://github.com/ owner/zebra-2 is", ["https://github.com/owner/zebra-2"]),
    (r"https://a.org/x\_y\%20{\_}z", ["https://a.org/x_y%20_z"]),
    ("https://en.wikipedia.org/wiki/Zebra_(horse)", ["https://en.wikipedia.org/wiki/Zebra_(horse)"]),
    ("https://a.org/~me/x", ["https://a.org/~me/x"]),
    ("https://a.org/x,https://b.org/y", ["https://a.org/x", "https://b.org/y"]),
    (
        "https://web.archive.org/web/2020/https://a.org/x",
        ["https://web.archive.org/web/2020/https://a.org/x"],
    ),
    (f"{R}.We propose", [R]),
    ("http://a.org/?x=1&amp;y=2.", ["http://a.org/?x=1&y=2"]),
    (f"{R}代码", [R]),
    ("https://zebra.github.io/Flow+", ["https://zebra.github.io/Flow+"]),
    ("https://zebra.github.io/ ZebraSutra/", ["https://zebra.github.io/ZebraSutra/"]),
    ("https://zebra.github.io/ Code: here", ["https://zebra.github.io/"]),
]
REFUSED = [
    "javascript:alert(1)",
    "data:text/html,x",
    "ftp://a.org/x",
    "https://user:secret@a.org/",
    "https://gіthub.com/owner/zebra",
    "https://gıthub.com/owner/zebra",
    "GİTHUB.com/owner/zebra",
    "huggıngface.co/owner/zebra",
    "httpſ://github.com/owner/zebra",
    "https://github.com/own\u200ber/zebra",
    "https://github.com/owner/zebra\u202egpj",
    "https://a.org/x\x00y",
    "https://localhost/x",
    "http://127.0.0.1/x",
    "https://",
    "mail me@github.com/x",
    "https://a.org/" + "x" * 3000,
]


@pytest.mark.parametrize(("text", "urls"), WRITTEN)
def test_an_address_is_cleaned_of_what_surrounds_it(text: str, urls: list[str]) -> None:
    assert [found.url for found in find_urls(text)] == urls


@given(before=st.text("aİ. \n", max_size=200), written=st.sampled_from(WRITTEN))
def test_what_stands_far_before_an_address_makes_no_difference(
    before: str, written: tuple[str, list[str]]
) -> None:
    text, urls = written
    assert [found.url for found in find_urls(f"{before} {text}")] == urls


@pytest.mark.parametrize("text", REFUSED)
def test_an_address_that_a_reader_would_misread_is_none(text: str) -> None:
    assert find_urls(text) == ()


def test_spelling_does_not_make_two_addresses_of_one() -> None:
    assert canonical("http://www.GitHub.com/Owner/Zebra.git") == canonical(f"{R}/")
    assert canonical(R) != canonical(f"{R}s")
    assert canonical("https://a.org/X") != canonical("https://a.org/x")
    assert unique([R, f"{R}.git", "https://a.org"]) == (R, "https://a.org")


@given(st.text(max_size=200))
def test_what_is_found_is_never_longer_than_what_stands_there(text: str) -> None:
    for found in find_urls(text):
        assert found.url.startswith(("http://", "https://"))
        assert found.url.isprintable()
        assert found.url.isascii()
        assert len(found.url.partition("://")[2]) <= found.end - found.start


@given(
    st.from_regex(r"[a-z]{2,9}/[a-z0-9_-]{1,20}[a-z0-9]", fullmatch=True),
    st.sampled_from([".", ")", "}", ",", ";", '"', " ", ""]),
)
def test_cleaning_is_idempotent(path: str, closing: str) -> None:
    url = f"https://github.com/{path}"
    for written in (url + closing, url):
        assert [found.url for found in find_urls(written)] == [url]


@pytest.mark.parametrize(
    "piece", ["https://", "https://a.org/", "github.com/a/", "www.", "(", "a", "https://a.org/((((", "\\_"]
)
def test_time_grows_with_the_length_of_the_text(piece: str) -> None:
    assert grows_linearly(find_urls, piece)
