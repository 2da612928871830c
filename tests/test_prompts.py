"""The prompt texts: found, overridden, rendered strictly, and hashed."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from broadsheet.errors import ConfigError
from broadsheet.prompts import REPAIR, SYSTEM, TAXONOMY, USER, Prompts, default_folder


def folder(tmp_path: Path, **texts: str) -> Path:
    """A folder of prompts of one's own; names are given with ``_`` for ``.``."""
    made = tmp_path / "mine"
    made.mkdir(exist_ok=True)
    for name, text in texts.items():
        (made / name.replace("_", ".")).write_text(text, encoding="utf-8")
    return made


def test_the_system_text_names_every_tag_with_its_definition() -> None:
    prompts = Prompts.load()
    text = prompts.render(SYSTEM)
    tags = (*prompts.taxonomy.topics, *prompts.taxonomy.contributions)
    assert all(f"{tag.id}: {tag.definition}" in text for tag in tags)


def test_the_system_text_does_not_depend_on_the_papers() -> None:
    prompts = Prompts.load()
    papers = [SimpleNamespace(ref=1, title="Tides", text="They rise.")]
    assert prompts.render(SYSTEM) == prompts.render(SYSTEM, papers=papers)


def test_the_user_text_carries_each_paper_between_its_own_fences() -> None:
    papers = [SimpleNamespace(ref=n, title=f"Title {n}", text=f"Abstract {n}.") for n in (1, 2)]
    text = Prompts.load().render(USER, papers=papers)
    for n in (1, 2):
        inside = text.partition(f'<paper ref="{n}">')[2].partition("</paper>")[0]
        assert inside.split("\n")[1:3] == [f"Title {n}", f"Abstract {n}."]


def test_cues_are_never_sent_to_a_model(tmp_path: Path) -> None:
    taxonomy = (default_folder() / TAXONOMY).read_text(encoding="utf-8")
    taxonomy = taxonomy + '\n[cues]\ngraphs = ["quokka phrase"]\n'
    prompts = Prompts.load(folder(tmp_path, taxonomy_toml=taxonomy))
    assert prompts.taxonomy.topics
    assert "quokka" not in prompts.render(SYSTEM)


@pytest.mark.parametrize(
    "text",
    [
        "{{ nothing }}",
        "{{ taxonomy.nothing }}",
        "{% for x in nothing %}{% endfor %}",
        "{% if x",
        "{{ 1 // 0 }}",
        "{{ taxonomy + 1 }}",
    ],
)
def test_a_text_that_cannot_be_rendered_is_an_error_that_names_it(tmp_path: Path, text: str) -> None:
    prompts = Prompts.load(folder(tmp_path, annotate_system_md=text))
    with pytest.raises(ConfigError, match=r"annotate\.system\.md") as caught:
        prompts.render(SYSTEM)
    assert "\n" not in str(caught.value)


def test_a_folder_replaces_only_the_texts_that_it_has(tmp_path: Path) -> None:
    prompts = Prompts.load(folder(tmp_path, repair_user_md="Once more."))
    assert prompts.render(REPAIR) == "Once more."
    assert prompts.render(SYSTEM) == Prompts.load().render(SYSTEM)


@pytest.mark.parametrize("name", [SYSTEM, USER, REPAIR])
def test_a_change_of_any_text_changes_the_id(tmp_path: Path, name: str) -> None:
    changed = (default_folder() / name).read_text(encoding="utf-8") + "."
    assert Prompts.load(folder(tmp_path, **{name.replace(".", "_"): changed})).id != Prompts.load().id


def test_a_change_of_a_definition_changes_the_id_and_a_change_of_cues_does_not(tmp_path: Path) -> None:
    taxonomy = (default_folder() / TAXONOMY).read_text(encoding="utf-8")
    redefined = taxonomy.replace('speech-and-audio = "', 'speech-and-audio = "whispering, ')
    assert redefined != taxonomy
    recued = taxonomy + '\n[cues]\ngraphs = ["quokka phrase"]\n'
    plain = Prompts.load()
    assert Prompts.load(folder(tmp_path, taxonomy_toml=redefined)).id != plain.id
    cued = Prompts.load(folder(tmp_path, taxonomy_toml=recued))
    assert cued.id == plain.id
    assert cued.taxonomy.cues_id != plain.taxonomy.cues_id


def test_a_missing_folder_and_an_unreadable_text_are_told_of_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no folder of prompts"):
        Prompts.load(tmp_path / "absent")
    (folder(tmp_path) / USER).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"annotate\.user\.md cannot be read"):
        Prompts.load(tmp_path / "mine")


def test_another_language_is_asked_for_and_makes_every_annotation_stale() -> None:
    english, chinese = Prompts.load(), Prompts.load(language="zh")
    assert "In the language zh (BCP 47)" in chinese.render(SYSTEM)
    assert "language zh" not in english.render(SYSTEM)
    assert len({english.id, chinese.id, Prompts.load(language="fr").id}) == 3
    assert chinese.taxonomy.cues_id == english.taxonomy.cues_id  # rules copy the abstract's words


def test_the_rules_of_the_system_text_stand_on_lines_of_their_own() -> None:
    for language in ("en", "zh"):
        lines = Prompts.load(language=language).render(SYSTEM).splitlines()
        assert {line.partition(":")[0] for line in lines} >= {"tldr", "topics", "code"}
