from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.sources.identifiers import arxiv_id, doi


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2503.01234", ("2503.01234", None)),
        ("2503.01234v12", ("2503.01234", 12)),
        ("arXiv:0704.0001v2", ("0704.0001", 2)),
        ("oai:arXiv.org:2503.01234v1", ("2503.01234", 1)),
        ("math.GT/0309136v3", ("math/0309136", 3)),
        ("https://arxiv.org/pdf/2503.01234v2.pdf", ("2503.01234", 2)),
        ("http://arxiv.org/abs/cs/0112017", ("cs/0112017", None)),
        ("https://doi.org/10.48550/arXiv.2503.01234", ("2503.01234", None)),
        ("https://huggingface.co/papers/2503.01234", ("2503.01234", None)),
        ("d3d4db05a5a7", ("", None)),
        ("2503.012345678", ("", None)),
        ("see 2503.01234 for more", ("", None)),
        ("10.1000/2503.01234", ("", None)),
        ("", ("", None)),
    ],
)
def test_an_arxiv_id_is_read_without_its_version(text: str, expected: tuple[str, int | None]) -> None:
    assert arxiv_id(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.1000/Barges.1", "10.1000/barges.1"),
        ("doi:10.1000/x", "10.1000/x"),
        ("https://dx.doi.org/10.1000/x(1)", "10.1000/x(1)"),
        ("https://doi.org/10.48550/arXiv.2503.01234", ""),
        ("https://example.org/10.1000/x", ""),
        ("2503.01234", ""),
    ],
)
def test_a_doi_is_read_in_lower_case_and_arxivs_own_is_none(text: str, expected: str) -> None:
    assert doi(text) == expected


@given(st.from_regex(r"\A\d{4}\.\d{4,5}\Z"), st.integers(1, 99))
def test_every_way_to_write_an_id_names_the_same_paper(plain: str, version: int) -> None:
    plain = plain.strip()
    names = (f"arXiv:{plain}v{version}", f"https://arxiv.org/abs/{plain}v{version}", f" {plain}v{version} ")
    for written in names:
        assert arxiv_id(written) == (plain, version)
