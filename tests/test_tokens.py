"""Token counts: exact with a vocabulary, and without one never too low for what papers are written in."""

from __future__ import annotations

import json
import logging
import os
import string
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadsheet import tokens

# Read before the fixtures take the machine's settings away.
VOCABULARY_FOLDERS = [
    Path(folder)
    for folder in (os.environ.get("TIKTOKEN_CACHE_DIR"), Path(tempfile.gettempdir()) / "data-gym-cache")
    if folder
]
VOCABULARY = "fb374d419588a4632f3f557e76b4b70aebbca790"  # the name tiktoken gives its copy of o200k_base
PAPERS = Path(__file__).parents[2] / "shared" / "gold" / "papers.jsonl"

VOCABULARY_OF_PAPERS = """
    a the of we which attention transformer gradient generalisation reinforcement large-scale state-of-the-art
    self-supervised low-rank pre-trained benchmark ImageNet LoRA GPT-4 ResNet-50 F1 3.2% 1,024 10x (e.g., [12]
    robustness; estimator: "quotient" heteroscedasticity quantisation non-convex Wasserstein $\\alpha$ O(n^2)
    https://example.org/sandloom C++ k-NN mAP. outperforms, demonstrates; zero-shot cross-modal
"""
WORDS = st.sampled_from(VOCABULARY_OF_PAPERS.split())
ENGLISH = st.lists(WORDS, min_size=8, max_size=120).map(" ".join)
SIGNS = st.text(string.punctuation + string.digits + " \n", max_size=80)


@pytest.fixture
def _forgotten(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The vocabulary is asked for anew, and again after the test."""
    monkeypatch.setattr("tiktoken.registry.ENCODINGS", {})
    tokens._encoding.cache_clear()
    yield
    tokens._encoding.cache_clear()


@pytest.fixture(scope="module")
def exact() -> Iterator[Callable[[str], int]]:
    folder = next((folder for folder in VOCABULARY_FOLDERS if (folder / VOCABULARY).is_file()), None)
    if folder is None:
        pytest.skip("tiktoken's vocabulary is not on this machine, and tests do not download it")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIKTOKEN_CACHE_DIR", str(folder))
        tokens._encoding.cache_clear()
        assert tokens._encoding() is not None
    yield tokens.count
    tokens._encoding.cache_clear()


@settings(max_examples=200)
@given(text=ENGLISH)
def test_the_estimate_is_never_below_the_count_of_english(exact: Callable[[str], int], text: str) -> None:
    assert tokens.estimate(text) >= exact(text)


@given(text=st.text(st.characters(min_codepoint=128, exclude_categories=["Cs"]), max_size=80))
def test_the_estimate_is_never_below_the_count_of_other_scripts(
    exact: Callable[[str], int], text: str
) -> None:
    assert tokens.estimate(text) >= exact(text)


def test_the_estimate_is_never_below_the_count_of_real_abstracts(exact: Callable[[str], int]) -> None:
    if not PAPERS.is_file():
        pytest.skip("the shared reference papers are not beside this checkout")
    for line in PAPERS.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        text = f"{record['title']}\n{record['abstract']}"
        assert tokens.estimate(text) >= exact(text), record["title"]


def test_words_that_are_control_tokens_elsewhere_are_counted_as_text(exact: Callable[[str], int]) -> None:
    assert exact("<|endoftext|>") > 1


def test_a_hundred_thousand_characters_are_counted_in_a_moment(exact: Callable[[str], int]) -> None:
    began = time.process_time()
    exact("a" * 100_000)
    assert time.process_time() - began < 5


@given(text=SIGNS)
def test_the_estimate_is_never_below_the_count_of_signs_and_digits(
    exact: Callable[[str], int], text: str
) -> None:
    assert tokens.estimate(text) >= exact(text)


@given(ENGLISH, ENGLISH)
def test_more_text_is_never_estimated_as_fewer_tokens(text: str, more: str) -> None:
    assert tokens.estimate(text + more) >= tokens.estimate(text)


def test_an_empty_text_has_no_tokens() -> None:
    assert tokens.estimate("") == 0


@pytest.mark.usefixtures("_forgotten")
def test_without_a_vocabulary_or_a_network_the_estimate_stands_in_at_once_and_says_so_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path / "empty"))
    monkeypatch.setattr(tokens, "DOWNLOAD_TIMEOUT_S", 500.0)
    before = threading.enumerate()
    with caplog.at_level(logging.WARNING, logger="broadsheet"):
        counts = [tokens.count("Tides rise twice a day.") for _ in range(3)]
    assert counts == [tokens.estimate("Tides rise twice a day.")] * 3
    assert not set(threading.enumerate()) - set(before)  # the download has ended, and was not given up
    assert [record.levelname for record in caplog.records] == ["WARNING"]


@pytest.mark.usefixtures("_forgotten")
def test_a_download_that_hangs_is_not_waited_for_beyond_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    import tiktoken

    released = threading.Event()
    monkeypatch.setattr(tiktoken, "get_encoding", lambda _name: released.wait(30))
    monkeypatch.setattr(tokens, "DOWNLOAD_TIMEOUT_S", 0.05)
    assert tokens.count("Tides rise.") == tokens.estimate("Tides rise.")
    released.set()
