"""What authors' words say of their code; every sentence here is invented."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.availability import evidence_status, read_code, says_code
from broadsheet.urls import canonical
from growth import grows_linearly

SHARED = Path(os.environ.get("BROADSHEET_SHARED", Path(__file__).parents[2] / "shared")) / "gold"

R = "https://github.com/owner/zebra"
PAGE = "https://zebra-net.github.io"

AVAILABLE = [
    # The noun and what is said of it.
    (f"Code is available at {R}.", f"Code is available at {R}", [R]),
    (f"Our code is publicly available at: {R}", f"Our code is publicly available at: {R}", [R]),
    (f"The source code and trained models are available at {R}.", None, [R]),
    (f"Codes are freely available online ({R}).", None, [R]),
    ("Our code is public.", "Our code is public", []),
    ("PyTorch code is provided.", "PyTorch code is provided", []),
    ("All code, data and model weights have been released.", None, []),
    (f"The code has been made publicly available at {R}", None, [R]),
    (f"The code can be found at {R}.", None, [R]),
    (f"Code could be accessed via {R}.", None, [R]),
    (f"An implementation of our method is available at {R}.", None, [R]),
    (f"Implementations are released at {R}.", f"Implementations are released at {R}", [R]),
    (f"The codebase for Zebra is hosted on {R}.", None, [R]),
    (f"Training scripts are shared at {R}.", None, [R]),
    ("Code is available at here.", "Code is available at here", []),
    ("The software is available under the MIT license.", None, []),
    (f"The full implementation, including loaders and settings, can be downloaded from {R}.", None, [R]),
    ("Our source code is open-sourced.", None, []),
    ("Our code is open source and easy to extend.", None, []),
    (f"Code and data for the experiments in this work are available in {R}.", None, [R]),
    ("The code for reproducing all figures is included in the supplementary material.", None, []),
    # Without a verb.
    (f"Code: {R}", f"Code: {R}", [R]),
    (f"Code available at {R}.", f"Code available at {R}", [R]),
    (f"Code and models: {PAGE}", f"Code and models: {PAGE}", [PAGE]),
    (f"Source code is at {R}.", None, [R]),
    (f"Zebra wins everywhere (code: {R}).", None, [R]),
    (f"Zebra wins on nine tasks; code at {R}.", None, [R]),
    (f"[Code]({R}) and a demo.", None, [R]),
    (f"Project page with code: {PAGE}", None, [PAGE]),
    # The address first.
    (f"See {R} for code.", None, [R]),
    (f"Please refer to {R} for our code and data.", None, [R]),
    (f"Visit {PAGE} for the source code.", None, [PAGE]),
    # Somebody gives it.
    (f"We release our code at {R}.", f"We release our code at {R}", [R]),
    ("We release the code and all checkpoints to support further research.", None, []),
    ("To foster reproducibility, we make our code publicly available.", None, []),
    (f"We provide the code and a demo video on {PAGE}.", None, [PAGE]),
    ("We also open-source our training framework.", None, []),
    ("We open-source Zebra to the community.", None, []),
    ("We publicly share our data sets and code.", None, []),
    (f"We provide a PyTorch implementation at {R}.", None, [R]),
    ("This paper provides source code for all baselines.", None, []),
    ("We contribute a new benchmark for stripes and open code for its evaluation.", None, []),
    ("Our contributions are (1) a theory of stripes, (2) efficient code for training at scale.", None, []),
    ("Since the release of the Zebra software, hundreds of people have built on it.", None, []),
    # Tools given away as open source.
    ("We present Zebra, an open-source library for stripe detection.", None, []),
    ("In this paper we introduce a fully open-source toolkit for stripe detection.", None, []),
    ("Our library is open source.", None, []),
    ("Zebra is publicly available and fully open-source.", None, []),
    ("We present Zebra 2.0, an integrated open-source platform for herds.", None, []),
    ("The benchmark, toolkit and annotation tools are publicly available.", None, []),
    ("The corpus and code bases are all freely available.", None, []),
    # A repository without the word code.
    (f"Zebra is available at {R}.", None, [R]),
    (f"The project of this paper is available at {R}", None, [R]),
    (f"We build a fast solver (available at {R}) for stripes.", None, [R]),
    (f"Zebra beats all baselines. {R}", R, [R]),
    (f"GitHub: {R}", None, [R]),
    # Several addresses.
    (f"Code is available at {R} and {PAGE}.", None, [R, PAGE]),
    (f"Code is available at {R}. PyTorch code: https://gitlab.com/owner/zebra-torch.", None,
     [R, "https://gitlab.com/owner/zebra-torch"]),
    (f"Our code is available at {R}.git{{{R}.git}}.", None, [R]),
    (f"Code is at \\url{{{R}}}, and the data set at https://data.example.org/zebra.", None, [R]),
    (f"The data set is at https://data.example.org/zebra. Code is at {R}.", None, [R]),
    (f"Project page: {PAGE}. Code: {R}.", None, [R]),
    (f"Code is available. See the project page: {PAGE}.", None, []),
    ("Code is available at github.com/owner/zebra and https://gitee.com/mindspore/models/tree/zebra.", None,
     [R, "https://gitee.com/mindspore/models/tree/zebra"]),
    (f"Our code is available at {R} . We will release the models later.", None, [R]),
]  # fmt: skip

ANNOUNCED = [
    (f"Code will be available at {R}.", f"Code will be available at {R}", [R]),
    (f"The code will be released at {R}.", None, [R]),
    ("Code and pre-trained models shall be released.", "Code and pre-trained models shall be released", []),
    ("Our codes and tri-stripe dataset will be made publicly available.", None, []),
    ("The source code will be made available upon acceptance.",
     "The source code will be made available upon acceptance", []),
    ("We will release our code soon.", None, []),
    ("We will open-source our code and models.", None, []),
    ("We plan to release the code after publication.", None, []),
    ("The authors intend to make the code public.", None, []),
    ("Code is coming soon.", None, []),
    ("Code will come soon.", None, []),
    ("Code to be released.", None, []),
    ("The project will be made open-source.", None, []),
    ("Once accepted, we will publish the implementation code.", None, []),
    (f"Code, data and models would be released at {R}.", None, [R]),
    ("The code is to be released upon publication.", None, []),
    ("Code will be publicly released once the paper is accepted.", None, []),
    ("We are going to release our code.", None, []),
    (f"Code is available soon at {R}.", None, [R]),
    ("Our framework will be open-sourced.", None, []),
]  # fmt: skip

NONE = [
    "The encoder provides latent codes for every stripe.",
    "We learn binary codes that are available to every layer.",
    "We evaluate code LLMs and release a code generation benchmark.",
    "Our model acts as a bilingual code-switcher.",
    f"We keep a list of the surveyed papers at {R}.",
    "We have set up a page at https://github.com/owner/awesome-stripes for updates.",
    f"A curated collection of papers is available at {R}.",
    f"Project page: {PAGE}",
    f"Videos and more results are on our project page: {PAGE}.",
    f"Our dataset is available at {R}.",
    f"The Zebra database is publicly available at {R}.",
    f"The benchmark can be downloaded from {R}.",
    f"Checkpoints are available at {R}.",
    f"Dataset: {R}",
    "We release our dataset and pre-trained weights.",
    "We open-source our dataset.",
    "Models and data will be released.",
    "We compare with existing methods whose code is available.",
    "No code is available for the strongest rival.",
    "Even when the source code is available, compilers hide the fault.",
    "If code is provided, the agent reads it first.",
    "We use the publicly available code of other authors.",
    "Open-source models fall behind closed-source ones.",
    "We fine-tune popular open-source large language models.",
    "We implement it within an open-source framework used by others.",
    "Source data are available in one domain only.",
    "Labels are available during training.",
    "It takes only a few lines of code.",
    "It is easy to implement in ten lines of code.",
    "The code book is updated by gradient descent, and the codebook is available to the decoder.",
    "Students write code that is provided to the grader.",
    "We study the release of hormones and the codes of conduct.",
    "Vector codes are shared between the layers.",
    "We provide an efficient implementation of attention.",
    "Our implementation reaches 40 tokens per second.",
    f"We build on the fairway toolkit ({R}).",
    "The availability of large corpora has changed the field.",
    "We publish a survey of program synthesis.",
    "The QR code is shared with the reader.",
    "Error-correcting codes are made public every year.",
    "Their code is available, ours is a theory.",
    "Neural source code models are provided with types.",
    "The data is open and accessible.",
    "This sentence says nothing.",
    "",
]


def claim_id(case: tuple[str, str | None, list[str]] | str) -> str:
    return (case if isinstance(case, str) else case[0])[:60]


@pytest.mark.parametrize("case", AVAILABLE, ids=claim_id)
def test_code_that_can_be_had_now_is_available(case: tuple[str, str | None, list[str]]) -> None:
    sentence, evidence, urls = case
    code = read_code("Zebra: Stripes for All", f"Stripes are hard. {sentence}")
    assert (code.status, list(code.urls)) == ("available", urls)
    assert code.evidence in sentence
    assert evidence is None or code.evidence == evidence


@pytest.mark.parametrize("case", ANNOUNCED, ids=claim_id)
def test_code_that_is_promised_is_announced(case: tuple[str, str | None, list[str]]) -> None:
    sentence, evidence, urls = case
    code = read_code("Zebra: Stripes for All", f"Stripes are hard. {sentence}")
    assert (code.status, list(code.urls)) == ("announced", urls)
    assert code.evidence in sentence
    assert evidence is None or code.evidence == evidence


@pytest.mark.parametrize("sentence", NONE, ids=claim_id)
def test_what_is_not_this_works_code_is_none(sentence: str) -> None:
    code = read_code("Zebra: Stripes for All", f"Stripes are hard. {sentence}")
    assert (code.status, code.evidence, code.urls) == ("none", "", ())


@pytest.mark.parametrize("case", AVAILABLE + ANNOUNCED, ids=claim_id)
def test_what_the_rules_quote_says_the_same_when_it_stands_alone(
    case: tuple[str, str | None, list[str]],
) -> None:
    code = read_code("Zebra: Stripes for All", f"Stripes are hard. {case[0]}")
    assert evidence_status(code.evidence) == code.status


@pytest.mark.parametrize(
    ("evidence", "status"),
    [
        ("Zebra is open source", "available"),
        ("an open-source stripe library", "available"),
        ("fully open-source the code", "available"),
        ("we will fully open-source the code", "announced"),
        ("Code, page and video are linked in the paper", "available"),
        ("for the implementation, please refer to the repository", "available"),
        ("contributions are a theory of stripes and code", "available"),
        ("The code will be released", "announced"),
    ],
)
def test_a_clause_without_its_sentence_still_says_that_there_is_code(evidence: str, status: str) -> None:
    assert evidence_status(evidence) == status
    assert says_code(evidence)


@pytest.mark.parametrize("sentence", ["We present a simple filter for stripes.", *NONE], ids=claim_id)
def test_words_on_anything_else_say_nothing_of_code(sentence: str) -> None:
    assert not says_code(sentence)


@pytest.mark.parametrize(
    ("sentence", "evidence"),
    [
        (
            f"Labels are at https://data.example.org and {R}.",
            f"Labels are at https://data.example.org and {R}",
        ),
        ("We present Zebra, an open-source toolkit for stripes.", "We present Zebra, an open-source toolkit"),
        (f"Code: {R}", f"Code: {R}"),
        (f"Zebra ({R}) beats all.", f"Zebra ({R}) beats all"),
        (f"Our code is available online ({R}).", f"Our code is available online ({R})"),
        (
            rf"Our code is at \href{{{R}}}{{\texttt{{{R}}}}}.",
            rf"Our code is at \href{{{R}}}{{\texttt{{{R}}}}}",
        ),
        (f"(Our code is at {R})", f"Our code is at {R}"),
    ],
)
def test_evidence_is_a_clause_that_says_so(sentence: str, evidence: str) -> None:
    assert read_code("Zebra: Stripes for All", f"Stripes are hard. {sentence}").evidence == evidence


def test_the_comment_is_read_where_the_abstract_is_silent() -> None:
    code = read_code("Zebra", "Stripes are hard.", comment=f"12 pages, 3 figures. Code: {R}")
    assert (code.status, code.evidence, code.urls) == ("available", f"Code: {R}", (R,))


def test_the_abstract_is_believed_before_the_comment() -> None:
    code = read_code("Zebra", f"Code is available at {R}.", comment="Code will be released.")
    assert code.status == "available"


@given(st.sampled_from(AVAILABLE + ANNOUNCED), st.text(alphabet="ab .,;:()\n", max_size=40))
def test_evidence_is_always_an_exact_quote(case: tuple[str, str | None, list[str]], noise: str) -> None:
    abstract = f"{noise} {case[0]} {noise}"
    code = read_code("Zebra", abstract)
    assert code.evidence in abstract


@given(st.text(max_size=300))
def test_any_text_is_read_without_an_error_and_quoted_exactly(text: str) -> None:
    assert isinstance(says_code(text), bool)
    assert read_code("Zebra", text).evidence in text


@pytest.mark.parametrize(
    "word",
    ["code ", "code is ", "release ", "our code and ", "open-source an ", "https://github.com/a/b ", "a"],
)
def test_time_grows_with_the_length_of_one_word_repeated(word: str) -> None:
    assert grows_linearly(lambda abstract: read_code("Zebra", abstract), word)


@pytest.mark.skipif(not SHARED.exists(), reason="the shared gold annotations are not here")
def test_the_gold_evidence_says_so_alone() -> None:
    for pages in ("reference.jsonl", "fresh-reference.jsonl"):
        for line in (SHARED / pages).read_text(encoding="utf-8").splitlines():
            code = json.loads(line)["code"]
            assert evidence_status(code["evidence"]) == code["status"], code


@pytest.mark.skipif(not SHARED.exists(), reason="the shared gold annotations are not here")
def test_the_gold_annotations_are_met() -> None:
    papers = [json.loads(line) for line in (SHARED / "papers.jsonl").read_text(encoding="utf-8").splitlines()]
    lines = (SHARED / "reference.jsonl").read_text(encoding="utf-8").splitlines()
    gold = {record["id"]: record["code"] for record in map(json.loads, lines)}
    right = claimed = meant = both = 0
    for paper in papers:
        code, reference = read_code(paper["title"], paper["abstract"]), gold[paper["id"]]
        right += code.status == reference["status"]
        found, wanted = {canonical(url) for url in code.urls}, {canonical(url) for url in reference["urls"]}
        claimed, meant, both = claimed + len(found), meant + len(wanted), both + len(found & wanted)
        assert code.evidence in paper["abstract"]
    assert right / len(papers) >= 0.99
    assert 2 * both / (claimed + meant) >= 0.99
