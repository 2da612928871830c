"""The extracted summary stands alone, in the abstract's own words. Every abstract is invented."""

from __future__ import annotations

import itertools
import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadsheet.annotation import MAX_TLDR_CHARACTERS, MAX_TLDR_WORDS, MIN_TLDR_WORDS, Annotation
from broadsheet.llm.extractive.conjugation import in_third_person
from broadsheet.llm.extractive.doubts import GRAVE, doubts
from broadsheet.llm.extractive.naming import own_name
from broadsheet.llm.extractive.pointers import without_pointers
from broadsheet.llm.extractive.rewriting import Statement, statements
from broadsheet.llm.extractive.standing import dangling, stands
from broadsheet.llm.extractive.tldr import summarise
from broadsheet.llm.extractive.trimming import shortened
from broadsheet.quantities import ungrounded_numbers
from growth import grows_linearly

SEEDS = Path(os.environ.get("BROADSHEET_SHARED", Path(__file__).parents[4] / "shared")) / "seeds"

TITLE = "ZebraNet: Stripe Attention for Long Videos"
ABSTRACT = (
    "Long videos are everywhere, and reading them has attracted much attention. However, existing models "
    "read every frame. "
    "To address this issue, we propose ZebraNet, a stripe attention that skips frames in which nothing "
    "moves and spends what it saves on the others. "
    "Extensive experiments show that our method outperforms the strongest baseline by 3.2\\% on four "
    "benchmarks. "
    "Code is available at https://github.com/owner/zebra."
)


PIECES = [*ABSTRACT.split(". "), "We propose", "Our method", "which is", "(", "and shows that", ". ", "; "]
WORDS = st.lists(st.text("aé条纹الحمارЗебра ,;()-.", max_size=60), max_size=40).map(" ".join)


SHAPE = {
    "topics": ["graphs"],
    "contribution": "method",
    "keywords": ["stripes"],
    "code": {"evidence": "", "status": "none", "urls": []},
}


def within_the_rules(tldr: str) -> bool:
    return (
        MIN_TLDR_WORDS <= len(tldr.split()) <= MAX_TLDR_WORDS
        and len(tldr) <= MAX_TLDR_CHARACTERS
        and tldr.endswith(".")
    )


def stated(sentence: str, name: str = "") -> list[str]:
    return [statement.text for statement in statements(sentence, name)]


def test_the_summary_names_the_method_and_its_result() -> None:
    tldr = summarise(TITLE, ABSTRACT)
    assert within_the_rules(tldr)
    assert tldr == (
        "ZebraNet is a stripe attention that skips frames in which nothing moves and spends what it saves "
        "on the others; it outperforms the strongest baseline by 3.2% on four benchmarks."
    )


def test_a_name_that_looks_like_a_word_keeps_its_capital() -> None:
    abstract = (
        "We present Marten, a reader of pages that skips what nobody reads. Many experiments show that "
        "Marten improves on all readers by 4.1%."
    )
    tldr = summarise("Marten: Reading Less", abstract)
    assert tldr == (
        "Marten is a reader of pages that skips what nobody reads; it improves on all readers by 4.1%."
    )


@pytest.mark.parametrize(
    ("abstract", "line"),
    [
        # Nothing is cut off at "e.g.".
        (
            (
                "We propose a counter that finds stripes in photographs of large herds even "
                "without labels, e.g., by counting what moves in a hundred thousand frames of "
                "films that were taken from aeroplanes, balloons, kites and towers in every "
                "season of every year since the first herd was ever seen there."
            ),
            ("Proposes a counter that finds stripes in photographs of large herds even without labels."),
        ),
        # What points at another sentence goes, or the sentence is not taken.
        (
            (
                "Herds are hard to count. We propose a counter of stripes that works from far "
                "above the herd to address these challenges."
            ),
            "Proposes a counter of stripes that works from far above the herd.",
        ),
        (
            (
                "Herds are hard to count. We propose a counter of stripes that bridges this gap "
                "by comparing what two cameras see from far above."
            ),
            "Proposes a counter of stripes comparing what two cameras see from far above.",
        ),
        (
            (
                "Herds are hard to count. To overcome these issues, a counter of stripes that "
                "compares what two cameras see is proposed in this letter."
            ),
            "A counter of stripes that compares what two cameras see is proposed.",
        ),
        # A whole sentence, and no half of another that adds no figure.
        (
            (
                "We present Zebu, a counter of stripes that compares what two cameras see from "
                "far above the herd. Zebu outperforms other counters on several benchmarks."
            ),
            ("Zebu is a counter of stripes that compares what two cameras see from far above the herd."),
        ),
        # The background says nothing of the paper.
        (
            (
                "Herd governance is the practice of keeping every animal in a herd well counted "
                "across many countries and years. In this paper we count stripes with two "
                "cameras "
                "that look down from a tower above the herd."
            ),
            "Counts stripes with two cameras that look down from a tower above the herd.",
        ),
        # Its own name, not that of the data set beside it.
        (
            (
                "We propose Zebu, a counter of stripes that compares what two cameras see from a tall "
                "tower. Besides, we introduce Zebu-DB, a collection of two hundred photographs of herds "
                "that were taken from aeroplanes in spring."
            ),
            "Zebu is a counter of stripes that compares what two cameras see from a tall tower.",
        ),
        # The second of two things that are joined stays.
        (
            (
                "We propose a counter that combines stripe matching, which compares what two "
                "cameras see while the herd moves slowly past the tower, with a filter that was "
                "learnt from photographs of other herds of the same country in the years before "
                "the war and after it."
            ),
            "",
        ),
        (
            (
                "We count herds of the U.S. Parks Service with two cameras that compare stripes "
                "from far above."
            ),
            "U.S. Parks",
        ),
        ('We show that herds of two cameras disprove "the claim that stripes are few."', 'are few".'),
    ],
)
def test_a_line_is_a_whole_sentence_that_leans_on_no_other(abstract: str, line: str) -> None:
    tldr = summarise("Zebu: Counting Stripes", abstract)
    assert line in tldr
    assert "which compares what two cameras see." not in tldr
    assert line == tldr or "." not in line[-1:] or tldr.endswith(line)


@pytest.mark.parametrize(
    ("sentences", "line"),
    [
        # What is studied and what is found, where neither leans on another sentence.
        (
            (
                "We study whether stripes deter the flies of herds. "
                "We find that stripes halve the bites that a herd suffers."
            ),
            "Studies whether stripes deter the flies of herds; stripes halve the bites that a herd suffers.",
        ),
        (
            (
                "We study whether stripes deter the flies that bite the herds of many countries. "
                "We find that the coats halve the bites that a herd suffers."
            ),
            "Studies whether stripes deter the flies that bite the herds of many countries.",
        ),
        # A paper that has no name for its work calls it a filter; what follows speaks of the method.
        (
            "We propose Zebu (ZB) to count stripes. Our method finds 3.2% more of them than others do.",
            "Proposes Zebu (ZB) to count stripes; the method finds 3.2% more of them than others do.",
        ),
        # Whose stripes "their" are was said before.
        (
            "To count their stripes, we build a set of four thousand photographs of herds in the plains.",
            "Builds a set of four thousand photographs of herds in the plains.",
        ),
        # A counter along with photographs is more than a counter.
        (
            "We introduce Zebu, a counter of stripes, along with four thousand photographs of many a herd.",
            "Introduces Zebu, a counter of stripes, along with four thousand photographs of many a herd.",
        ),
        # There is room for what the SEK does only without the brackets that tell what it is.
        (
            (
                "We propose the Sequential Ensemble of Keepers (SEK) framework to count the stripes of the "
                "zebras that graze in the wide plains of the far east. "
                "We find that the SEK outperforms the strongest baseline by 3.2% on four herds."
            ),
            (
                "Proposes the Sequential Ensemble of Keepers (SEK) framework to count the stripes of the "
                "zebras that graze in the wide plains of the far east."
            ),
        ),
        # The method was never introduced: better what was done with it.
        (
            (
                "We ask three keepers to count the stripes of zebras in photographs of many herds. "
                "The proposed method is more accurate than the three keepers were in four of five herds."
            ),
            "Asks three keepers to count the stripes of zebras in photographs of many herds.",
        ),
        # A link in parentheses is no reason to leave out what is introduced.
        (
            (
                "Herds were hard to count in every season of every year until now for want of tools. "
                "We present Zebu (see https://example.org/zebu), a counter of stripes that works from afar."
            ),
            "Zebu is a counter of stripes that works from afar.",
        ),
        # What the authors "also" do is not where the paper begins.
        (
            (
                "Ten hours of film were used as a yardstick to compare what counters of stripes find in it. "
                "We also examine the stripes that one of these counters only imagines to be there."
            ),
            "Ten hours of film were used as a yardstick to compare what counters of stripes find in it.",
        ),
    ],
)
def test_the_line_says_what_is_new_or_found(sentences: str, line: str) -> None:
    assert summarise("Counting Stripes", sentences) == line


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("A filter for these stripes", 1),
        ("Counts stripes and plots these stripes", 0),
        ("A filter that removes both", 1),
        ("A filter that removes both; it counts stripes", 1),
        ("A filter for both kinds of stripe", 1),
        ("A filter for both stripes and manes", 0),
        ("A filter whose speed is comparable to those of others before", 0),
        ("A filter for stripes such as those of quaggas", 0),
        ("A filter with the same speed", 1),
    ],
)
def test_what_points_at_another_sentence_is_counted(text: str, count: int) -> None:
    assert dangling(text) == count


def test_a_name_stands_without_the_title_beside_it() -> None:
    title = "Zebu: Zealous Bulls Counted by Their Stripes"
    for spelt in (
        "Zebu (Zealous Bulls Counted by Their Stripes)",
        "Zebu: Zealous Bulls Counted by their Stripes",
        "Zealous Bulls Counted by Their Stripes (ZEBU)",
    ):
        tldr = summarise(title, f"We propose {spelt}, which compares what two cameras see.")
        assert tldr.lower() == "proposes zebu, which compares what two cameras see."


@pytest.mark.parametrize(
    ("sentence", "name", "alone"),
    [
        ("In this work, we propose a filter for stripes.", "", "Proposes a filter for stripes"),
        ("We introduce Zebu, a filter for stripes.", "Zebu", "Zebu is a filter for stripes"),
        (
            "To this end, we present Zebu, which filters stripes.",
            "Zebu",
            "Presents Zebu, which filters stripes",
        ),
        ("We study manes and propose a filter.", "", "Proposes a filter"),
        ("We ran tests and evaluate them.", "", "Runs tests and evaluates them"),
        (
            "We count herds, organise them by age, and plot the years.",
            "",
            "Counts herds, organises them by age, and plots the years",
        ),
        (
            "We use a tool to sort data, analyze the logs, and plot the years.",
            "",
            "Uses a tool to sort data, analyze the logs, and plot the years",
        ),
        ("We study and compare manes.", "", "Studies and compares manes"),
        ("We wore a camera to count herds.", "", "Wears a camera to count herds"),
        ("We find herds and count them.", "", "Finds herds and counts them"),
        ("We study manes and point out stripes.", "", "Studies manes and points out stripes"),
        ("We sort herds and re-train the filter.", "", "Sorts herds and re-trains the filter"),
        (
            "We use towers to find manes and further plot them.",
            "",
            "Uses towers to find manes and further plots them",
        ),
        ("We sort or count herds.", "", "Sorts or counts herds"),
        ("Our proposed methodology counts herds.", "", "The methodology counts herds"),
        # "apply" is no adverb, "will look" is done in the paper, and "will release" is not.
        ("We apply this filter to herds.", "", "Applies this filter to herds"),
        ("In this paper, we will look at manes of herds.", "", "Looks at manes of herds"),
        ("More importantly, we count manes.", "", "Counts manes"),
        ("To help keepers, in this survey paper, we present counters.", "", "Presents counters"),
        ("The proposed work introduces a filter.", "", "Introduces a filter"),
        # A name stands behind a colon or a dash as well.
        ("We present Zebu: a filter for stripes.", "Zebu", "Zebu is a filter for stripes"),
        ("We present Zebu - a filter for stripes.", "Zebu", "Zebu is a filter for stripes"),
        ("Our proposed method Zebu counts stripes.", "Zebu", "Zebu counts stripes"),
        # What was done about a problem of another sentence is what was done.
        ("We address this gap by combining lamps.", "", "Combines lamps"),
        ("We provide a new solution to this problem by designing lamps.", "", "Designs lamps"),
        ("We tackle this by employing lamps.", "", "Employs lamps"),
        ("Zebu confronts these issues by introducing a lamp.", "Zebu", "Introduces a lamp"),
        ("Our method tackles this by using lamps.", "", "The method tackles this by using lamps"),
        (
            "We build a tool to find, analyze, and use it.",
            "",
            "Builds a tool to find, analyze, and use it",
        ),
        ("We present a filter that addresses these issues.", "", "Presents a filter"),
        ("Extensive experiments show that our method outperforms others.", "Zebu", "Zebu outperforms others"),
        # A part of the work is not the work.
        ("Results show that our mane model sees herds.", "Zebu", "The mane model sees herds"),
        ("Results show that our GnuNet model sees herds.", "Zebu", "The GnuNet model sees herds"),
        ("Results show that our Zebu model sees herds.", "Zebu", "Zebu sees herds"),
        ("Moreover, we prove that stripes are dense.", "", "Stripes are dense"),
        (
            "We study stripes and show that they are dense.",
            "",
            "Studies stripes and shows that they are dense",
        ),
        ("We count stripes and re-evaluate 23 manes.", "", "Counts stripes and re-evaluates 23 manes"),
        ("We have designed a filter for stripes.", "", "Designs a filter for stripes"),
        ("We developed and tested a filter.", "", "Develops and tests a filter"),
        ("We create and publicly share two herds.", "", "Creates and publicly shares two herds"),
        ("We forgo manes altogether.", "", "Forgoes manes altogether"),
        ("We count stripes, and delve into manes.", "", "Counts stripes, and delves into manes"),
        ("We count stripes, and uncover a mane.", "", "Counts stripes, and uncovers a mane"),
        ("In response, this project proposes a filter.", "", "Proposes a filter"),
        ("Methods: We study manes.", "", "Studies manes"),
        ("This review paper considers manes.", "", "Considers manes"),
        ("We address these issues by introducing a filter.", "", "Introduces a filter"),
        ("We study manes, and we propose a filter.", "", "Proposes a filter"),
        ("We propose a filter to address this.", "", "Proposes a filter"),
        ("We stress the role of stripes in this task.", "", "Stresses the role of stripes"),
        ("We propose a filter for such rare stripes.", "", "Proposes a filter for rare stripes"),
        ("We propose the first lamp in this field.", "", "Proposes the first lamp in this field"),
        ("Experiments show our method outperforms others.", "Zebu", "Zebu outperforms others"),
        (
            "We link stripes to the herds and discuss the years.",
            "",
            "Links stripes to the herds and discusses the years",
        ),
        ("We study manes and survey it.", "", "Studies manes and surveys it"),
        ("We propose herein a filter.", "", "Proposes a filter"),
        (
            "We study manes and make the case for stripes.",
            "",
            "Studies manes and makes the case for stripes",
        ),
        (
            "We find that stripes fade and that, among herds, manes glow.",
            "",
            "Stripes fade, and among herds, manes glow",
        ),
        (
            "We use herds to quickly prove and empirically demonstrate that stripes fade.",
            "",
            "Uses herds to quickly prove and empirically demonstrate that stripes fade",
        ),
        ("Study Design: The study counts manes.", "", "Counts manes"),
        (
            "We present Zebu, a filter for stripes, and report its speed.",
            "Zebu",
            "Presents Zebu, a filter for stripes, and reports its speed",
        ),
    ],
)
def test_a_sentence_is_put_so_that_it_stands_alone(sentence: str, name: str, alone: str) -> None:
    assert alone in stated(sentence, name)


def test_what_a_title_says_of_the_work_is_not_taken_for_its_name() -> None:
    line = summarise(
        "Zebu: A novel filter for counting stripes",
        "We present the Zealous Bulls (Zebu), a novel filter for counting stripes (FCS) of herds from afar.",
    )
    assert "a novel filter for counting stripes" in line


def test_an_acronym_of_a_part_of_the_title_is_not_what_the_work_is_called() -> None:
    title = "Zebu: Zealous Bulls Framework for Counting Stripes"
    line = summarise(
        title, "We present Zebu, the Zealous Bulls Framework for Counting Stripes (FCS), built to see."
    )
    assert "the Zealous Bulls Framework for Counting Stripes" in line


def test_an_acronym_stands_behind_no_article_of_what_it_abbreviates() -> None:
    line = summarise(
        "ZF: Zebra Filter of Stripes", "We present a novel Zebra Filter of Stripes (ZF), built to see."
    )
    assert "a novel Zebra Filter of Stripes" in line


def test_the_work_of_others_is_not_what_is_introduced() -> None:
    line = summarise(
        "Counting Stripes",
        "Recently, the stripe filter is proposed to count the herds of large parks from towers of wood. "
        "We build a filter that counts more of them from a small aeroplane in the rain of autumn.",
    )
    assert line.startswith("Builds a filter")


def test_a_question_is_no_statement() -> None:
    assert stated("Can stripes be counted?") == []


@pytest.mark.parametrize("verb", ["know", "think", "call"])
def test_what_authors_know_think_or_call_something_is_no_statement(verb: str) -> None:
    assert stated(f"We {verb} stripes a sign.") == []


@pytest.mark.parametrize(
    "when",
    [
        "Recently, we",
        "Previously, we",
        "In our previous paper, we",
        "We recently",
        "We previously",
        "We have already",
    ],
)
def test_what_the_authors_proposed_before_is_not_this_work(when: str) -> None:
    assert stated(f"{when} proposed a filter of stripes.") == []
    assert stated("We proposed a filter of stripes.") == ["Proposes a filter of stripes"]


def test_what_comes_before_our_own_model_is_background() -> None:
    title = "Counts of Stripes and Manes for Keepers of Herds"
    background = "Stripes and manes of herds are counted by two cameras on the roof of a tall tower."
    assert summarise(title, f"{background} Our model was better.") == f"{title}."
    assert summarise(title, f"{background} A model was better.") == background


def test_what_is_done_about_a_problem_is_what_a_paper_makes() -> None:
    (statement,) = statements("We address this gap by combining lamps with mirrors.", "")
    assert (statement.text, statement.kind) == ("Combines lamps with mirrors", "makes")


def test_our_proposed_method_is_our_own_work() -> None:
    line = "Zebu sees the stripes of large herds from a tower"
    assert summarise("Counts at Dawn", f"Our proposed method {line}. We thank two keepers.") == f"{line}."


def test_a_comment_of_tex_is_no_part_of_a_sentence() -> None:
    abstract = "Keepers tire.% We present an original %quick counter of stripes that two cameras see."
    line = "Presents an original quick counter of stripes that two cameras see."
    assert summarise("Counts at Dawn", abstract) == line


def test_what_says_more_than_the_title_goes_before_what_says_it_again() -> None:
    again = "We present a new counter of stripes at dawn."
    more = "We design a lamp whose flashes let two cheap cameras see manes through fog and rain."
    line = summarise("A Counter of Stripes at Dawn", f"{again} {more}")
    assert line == (
        "Presents a new counter of stripes at dawn; designs a lamp whose flashes let two cheap cameras see "
        "manes through fog and rain."
    )
    assert summarise("A Lamp for Cameras", f"{again} {more}").startswith("Presents a new counter")


def test_of_a_list_between_semicolons_no_point_is_cut_off() -> None:
    points = "counting zebras of large parks at dawn; sorting the manes of twelve herds; and {}"
    told = "We present a tower for "
    whole = summarise("Counts", f"{told}{points.format('plotting years')}.")
    assert whole == f"Presents a tower for {points.format('plotting years')}."
    long_last = points.format("plotting the years of all herds " + "in many parks " * 9)
    assert "sorting" not in summarise("Counts", f"{told}{long_last}.")


def test_examples_stay_where_a_sentence_goes_on_behind_them() -> None:
    told = "We use towers, such as those of keepers who guard {}, to count the stripes of herds"
    assert "such as" in summarise("Counts", f"{told.format('parks')}.")
    longer = summarise("Counts", f"{told.format('parks by day and by night ' * 4)}.")
    assert not longer.startswith("Uses towers.")


def test_what_is_said_of_neither_the_authors_nor_their_work_gives_way() -> None:
    own = "We count the manes of twelve tired zebras."
    others = "{} follow herds over dry and dusty plains to rivers."
    assert summarise("Counts at Dawn", f"{own} {others.format('Lions')}") == f"Counts{own[len('We count') :]}"
    named = "Zebu follows herds over dusty plains to rivers."
    assert summarise("Zebu: Counts at Dawn", f"{own} {named}") == named


def test_a_plain_line_goes_before_a_doubtful_one_that_says_a_little_more() -> None:
    plain = "We present a lamp whose flashes let keepers see manes."
    more = "We present a tower{} that lets keepers see stripes through fog and rain."
    assert "lamp" in summarise("Counts at Dawn", f"{plain} {more.format(',')}")
    assert "tower" in summarise("Counts at Dawn", f"{plain} {more.format('')}")


def test_a_finding_that_says_more_goes_before_a_title_said_again() -> None:
    again = "We present a new counter of stripes for keepers at dawn."
    more = "Foggy cameras see manes behind two tall trees and thorny bushes."
    found = f"{again} We find that foggy{more[len('Foggy') :]}"
    assert summarise("A Counter of Stripes at Dawn", found) == more
    little = f"{again} We find that foggy cameras see manes behind trees."
    assert summarise("A Counter of Stripes at Dawn", little).startswith("Presents a new counter")


def test_what_is_proposed_without_an_article_is_a_field_of_research() -> None:
    field = "Stripe Counting (SC) is proposed to tell zebras of dusty plains from quaggas without cameras."
    assert summarise("Counts of Manes", f"{field} We sort twelve manes.") == "Sorts twelve manes."
    assert summarise("Counts of Manes", "A counter of dusty stripes is proposed.").startswith("A counter")


def test_a_sentence_that_opens_with_the_name_is_no_background() -> None:
    named = "Zebu holds films of twelve dusty herds that two cheap cameras took from a tower in rain."
    assert summarise("Zebu: Counts at Dawn", f"Lions sleep. {named} We test two counters.") == named


def test_background_says_less_than_the_title() -> None:
    background = "Stripes of herds hide quaggas from lions, flies and keepers who drive past on dusty roads."
    assert summarise("Counts of Manes at Dawn", f"{background} We count both.") == "Counts of Manes at Dawn."


def test_a_noun_with_a_letter_behind_it_is_no_verb() -> None:
    line = "Presents counts of manes and vitamin a from herds"
    assert stated("We present counts of manes and vitamin a from herds.") == [line]
    assert stated("We present manes and outline a herd.") == ["Presents manes and outlines a herd"]


def test_what_a_thing_helps_its_readers_to_do_may_be_cut_off() -> None:
    text = "Zebu is a counter of stripes, helping keepers of large herds to see zebras"
    cuts = {cut.text for cut in shortened(text, Statement(text, "introduces", len("Zebu is")))}
    assert "Zebu is a counter of stripes" in cuts


def test_a_size_in_parentheses_is_not_cut_off() -> None:
    text = "Counts (20x20) stripes in herds"
    cuts = {cut.text for cut in shortened(text, Statement(text, "states", len("Counts")))}
    assert all("(20x20)" in cut for cut in cuts)


def test_a_sentence_that_answers_another_does_not_stand() -> None:
    assert stands("Several stripes fade in herds")
    assert not stands("Rather, several stripes fade in herds")


@pytest.mark.parametrize(
    ("title", "abstract", "name"),
    [
        ("ZebraNet: Stripes", "We propose ZebraNet for stripes.", "ZebraNet"),
        ("Counting Stripes", "We propose a filter called ZebraNet.", "ZebraNet"),
        ("Counting Stripes", "We propose Stripe Filter Networks (SFN), which count.", "SFN"),
        ("Counting Stripes", "We propose a counter known as stripe filter (SFN), which counts.", "SFN"),
        ("Counting Stripes", "We propose a counter that sees herds as a Markov Chain (MDP).", ""),
        ("Counting Stripes", "We count by two known tools, namely OkapiNet and GnuNet.", ""),
        ("Counting Stripes", "We propose to count by using a Stripe Filter (SFN).", ""),
        ("Counting Stripes", "We propose the stripe counting task (SCT) and a filter.", ""),
        ("Stripes: A Survey", "We survey them.", ""),
        ("Counting Stripes", "We count.", ""),
        (
            "Counting Stripes",
            "We propose Stripe Counter, a filter, and compare a tool called OkapiNet.",
            "Stripe Counter",
        ),
        ("ZebraNET: Stripes", "We propose ZebraNet for stripes.", "ZebraNet"),
    ],
)
def test_the_papers_own_name_is_found(title: str, abstract: str, name: str) -> None:
    assert (
        own_name(title, abstract) in {name, "Stripe Filter Networks"}
        if name == "SFN"
        else own_name(title, abstract) == name
    )


def test_a_long_sentence_loses_its_last_clause() -> None:
    kept = "Proposes a filter that finds stripes in photographs of herds taken from aeroplanes"
    abstract = f"We propose{kept[8:]}, which has{' long' * 25} been an open question."
    assert summarise("", abstract) == f"{kept}."


def test_a_long_sentence_loses_what_stands_in_parentheses() -> None:
    rest = "deter flies, and how they do so in every season of the year."
    abstract = f"We study whether stripes (of quaggas{' too' * 20}) {rest}"
    assert summarise("", abstract) == f"Studies whether stripes {rest}"


def test_no_summary_leans_on_a_sentence_that_is_not_there() -> None:
    abstract = (
        "Zebras have stripes that differ between herds, seasons and years for reasons nobody has explained. "
        "It is long. These results hold. We show that this problem is hard. Can stripes be counted?"
    )
    assert summarise("Zebras", abstract) == abstract.split(". ", maxsplit=1)[0] + "."


@pytest.mark.parametrize("length", range(MAX_TLDR_CHARACTERS - 15, MAX_TLDR_CHARACTERS + 5))
def test_a_sentence_near_the_limit_makes_no_summary_too_long(length: int) -> None:
    claim = "an edge detector with an orthogonal basis finds harbours"
    claim += " in panchromatic photographs of estuaries taken from aeroplanes" * 4
    abstract = f"We show that {claim[: length - 3].rstrip()}{'y' * 3}."
    assert len(summarise("Edges", abstract)) <= MAX_TLDR_CHARACTERS


@settings(deadline=None)
@given(
    st.text(max_size=400) | WORDS,
    st.text(max_size=900) | st.lists(st.sampled_from(PIECES) | WORDS, max_size=12).map(" ".join),
)
def test_any_paper_with_a_word_has_a_sentence_within_the_limits(title: str, abstract: str) -> None:
    try:
        tldr = summarise(title, abstract)
    except ValueError:
        return
    assert 1 <= len(tldr.split()) <= MAX_TLDR_WORDS
    assert len(tldr) <= MAX_TLDR_CHARACTERS
    assert tldr.endswith(".")
    assert tldr.isprintable()
    Annotation.model_validate({**SHAPE, "tldr": tldr})


@pytest.mark.parametrize(
    ("title", "abstract"),
    [
        ("Stripes", ""),
        ("", "Stripes are dense."),
        ("Stripes", "We count."),
        ("条纹", "我们提出一种方法。它很快。"),
        ("Stripes", "zebra" * 20_000),
        ("Stripes", "zebra " * 17_000),
        ("S" * 400, ""),
    ],
)
def test_strange_papers_have_a_summary_too(title: str, abstract: str) -> None:
    tldr = summarise(title, abstract)
    assert 2 <= len(tldr) <= MAX_TLDR_CHARACTERS
    assert tldr.endswith(".")


@pytest.mark.parametrize("piece", ["zebra", "zebra ", "We propose a zebra. ", "which, "])
def test_time_grows_with_the_length_of_the_abstract(piece: str) -> None:
    assert grows_linearly(lambda abstract: summarise("Stripes", abstract), piece)


def test_a_paper_without_a_word_has_none() -> None:
    with pytest.raises(ValueError, match="no summary"):
        summarise(" ", "\n")


@pytest.mark.skipif(not SEEDS.exists(), reason="the shared pages are not here")
def test_every_real_abstract_has_a_summary_within_the_rules() -> None:
    seen = short = 0
    for page in sorted(SEEDS.glob("*.txt")):
        parts = [line.strip() for line in page.read_text(encoding="utf-8").splitlines() if line.strip()]
        for title, abstract in itertools.pairwise(parts):
            if len(title) < 200 and len(abstract) > 400:
                tldr = summarise(title, abstract)
                seen += 1
                short += not within_the_rules(tldr)
                assert len(tldr.split()) <= MAX_TLDR_WORDS
                assert not ungrounded_numbers(tldr, f"{title}\n{abstract}"), tldr
                assert not re.search(
                    r"\b[Ww]e\b|[\\{}$]|https?:|^(?:It|This|These|They|However|Moreover) ", tldr
                ), tldr
    assert seen > 400
    assert short < seen / 4


def test_the_first_step_of_a_procedure_is_no_second_half() -> None:
    line = summarise(
        "TideCoat: Painting Harbours",
        "Harbours peel. We present TideCoat, a thin, cheap coat driven by tides. Our approach starts by"
        " scraping walls to 3 layers of old paint.",
    )
    assert line.startswith("TideCoat is a thin, cheap coat")
    assert "starts" not in line


@pytest.mark.parametrize(
    ("sentences", "line"),
    [
        # What leans on another sentence gives way to what stands, though it comes later and tells less.
        (
            (
                "We formalize the task. We study herds and count the stripes of each animal from "
                "two high towers."
            ),
            "Studies herds and counts the stripes of each animal from two high towers.",
        ),
        # So does what a reader stumbles on.
        (
            (
                "We present an new counter of stripes that sees herds from afar, by night and in "
                "the rain as well. "
                "We also build a tower of wood from which keepers see the herds of the whole park "
                "in any weather."
            ),
            "Builds a tower of wood from which keepers see the herds of the whole park in any weather.",
        ),
        # Where no sentence is surely sound, the title is.
        ("We formalize the task.", "Counting Stripes of Herds From High Towers."),
        # A space that is lost before a parenthesis, behind a comma or between sentences is set.
        (
            (
                "Herds are large.We present a zebra counter(ZC) that works from afar,by night and "
                "in the rain of autumn."
            ),
            "Presents a zebra counter (ZC) that works from afar, by night and in the rain of autumn.",
        ),
        # A heading without a colon is none of the sentence.
        (
            (
                "Performance We present a counter of two cameras that sees ninety of a hundred "
                "animals in all weather."
            ),
            "Presents a counter of two cameras that sees ninety of a hundred animals in all weather.",
        ),
    ],
)
def test_a_doubtful_line_gives_way(sentences: str, line: str) -> None:
    assert summarise("Counting Stripes of Herds From High Towers", sentences) == line


def test_what_a_thing_is_for_may_go_where_the_thing_says_what_it_is() -> None:
    for text, kept in (
        (
            "Presents a stripe counting framework to relieve these keepers",
            "Presents a stripe counting framework",
        ),
        ("Presents a stripe to relieve these keepers", ""),
        ("Presents a stripe and a framework to relieve keepers", ""),
    ):
        cuts = {cut.text for cut in shortened(text, Statement(text, "introduces", len("Presents")))}
        assert cuts == {text, kept or text}


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Introduces Zebu, a framework consisting of two towers", ""),
        (
            "Introduces Zebu, a stripe framework consisting of two towers",
            "Introduces Zebu, a stripe framework",
        ),
        ("Introduces Zebu, while a second tower sees manes", ""),
        ("Introduces Zebu, while keeping the speed", "Introduces Zebu"),
        ("Introduces Zebu of order r, where r is the range", ""),
        ("Introduces Zebu of herds, where manes glow", "Introduces Zebu of herds"),
        ("Introduces (Z)EBU for herds", ""),
        ("Introduces Zebu, showing that a filter, combined with cameras, sees manes", "Introduces Zebu"),
    ],
)
def test_a_cut_leaves_nothing_that_needs_what_was_cut(text: str, kept: str) -> None:
    cuts = {cut.text for cut in shortened(text, Statement(text, "introduces", len("Introduces")))}
    assert cuts == {text, kept or text}


def test_a_verb_behind_an_adverb_in_a_series_is_not_cut_off() -> None:
    text = "Zebu counts stripes, quickly plots manes, and shows herds"
    assert {cut.text for cut in shortened(text, Statement(text, "states", len("Zebu counts")))} == {text}


def test_a_title_that_asks_or_speaks_as_we_is_no_line() -> None:
    for title in ("Who Counts the Stripes of All Herds?", "How We Count the Stripes of Herds"):
        assert summarise(title, "We formalize the task.") == "Formalizes the task."


@pytest.mark.parametrize(
    ("sentences", "half"),
    [
        # No data set achieves what a method does.
        ("We present Zebu, a dataset of stripes. Zebu outperforms all others by 3.2%.", "outperforms"),
        # What is said of the method is not said of the tower.
        ("We present Zebu. We build Tower, a model of wood. Our model sees 3.2% more.", "the model sees"),
        # No method stands in a study for what is found by one.
        (
            (
                "We study whether a stripe model deters the flies of large herds in spring. "
                "Experiments show that our model deters 3.2% more."
            ),
            "the model",
        ),
        # Of a name that was not introduced nothing is found.
        (
            (
                "We study whether stripes deter the flies of large herds in spring. We find that "
                "LOOK deters 3.2% more."
            ),
            "LOOK",
        ),
    ],
)
def test_what_is_said_of_something_else_is_no_second_half(sentences: str, half: str) -> None:
    assert half not in summarise("Zebu: Counting Stripes", sentences)


@pytest.mark.parametrize(
    ("sentences", "line"),
    [
        (
            "We present Zebu, a counter of stripes. It sees large herds from afar by night.",
            "Zebu is a counter of stripes; it sees large herds from afar by night.",
        ),
        (
            "We present a dataset of stripes. The dataset holds 5,000 herds seen from afar.",
            "Presents a dataset of stripes; it holds 5,000 herds seen from afar.",
        ),
        (
            "We propose a novel filter of stripes. Specifically, we count manes and plot their ages.",
            "Proposes a novel filter of stripes; counts manes and plots their ages.",
        ),
        (
            "We propose Zebu, a novel filter of stripes. We learn to count the manes of herds.",
            "Proposes Zebu, a novel filter of stripes; learns to count the manes of herds.",
        ),
    ],
)
def test_a_short_sentence_is_followed_by_what_the_next_one_says_of_it(sentences: str, line: str) -> None:
    assert summarise("Zebu: Counting Stripes", f"Stripes matter to herds. {sentences}") == line


@pytest.mark.parametrize(
    ("sentences", "line"),
    [
        (
            "We present a fast counter of stripes (FCS). Flies are few. Experiments show that FCS sees 5.",
            "Presents a fast counter of stripes (FCS); it sees 5.",
        ),
        (
            (
                "We present a novel model of manes seen at night. Flies are rare. Extensive trials and "
                "experiments demonstrate the strength of our approach, achieving an error of 3.2%."
            ),
            "Presents a novel model of manes seen at night; it achieves an error of 3.2%.",
        ),
        (
            "We present Zebu, a counter that sees herds by night. We find that lions of parks fear Zebu.",
            "Zebu is a counter that sees herds by night; lions of parks fear Zebu.",
        ),
        (
            "We present Zebu, a counter of stripes. Flies are few. Based on pipes, Zebu sees herds of 5,000.",
            "Zebu is a counter of stripes; it sees herds of 5,000.",
        ),
        (
            "We present a study of stripes on large herds. The results reveal that flies in parks fear all.",
            "Presents a study of stripes on large herds; flies in parks fear all.",
        ),
        (
            "We study the stripes of large herds in spring. Our findings reveal few flies on 5,000 manes.",
            "Studies the stripes of large herds in spring; the findings reveal few flies on 5,000 manes.",
        ),
        (
            "We present a fast filter of stripes. We sort large herds. We also propose a map of all manes.",
            "Presents a fast filter of stripes; proposes a map of all manes.",
        ),
        (
            "The goal of this study is to find whether stripes keep the flies off large herds in spring.",
            "Finds whether stripes keep the flies off large herds in spring.",
        ),
    ],
)
def test_what_is_found_follows_what_is_introduced(sentences: str, line: str) -> None:
    assert summarise("Counting the Stripes of Herds", f"Stripes matter to herds. {sentences}") == line


@pytest.mark.parametrize(
    "empty",
    [
        "Zebu outperforms other counters on several benchmarks",
        "Experiments show that Zebu achieves new state-of-the-art performance",
        "Zebu demonstrates highly competitive results across various tasks",
        "Zebu aims to see them well",
    ],
)
def test_what_is_said_of_nearly_everything_is_not_added(empty: str) -> None:
    told = "Zebu is a counter of stripes that compares what two cameras see from far above the herd."
    assert summarise("Counting the Stripes of Herds", f"{told} {empty}.") == told


@pytest.mark.parametrize(
    ("sentences", "half"),
    [
        ("We present Zebu, a dataset of stripes. Our pipeline counts all manes of herds.", "it counts"),
        ("We present Zebu, a counter. Zebu models outperform 5 others on large herds.", "it models"),
        ("We present a counter of stripes. Zebu sees large herds from afar by night.", "Zebu sees"),
        ("We present Zebu, a counter for a task. This task sees large herds from afar.", "it sees"),
        ("We present a counter of stripes. We sort large herds but increase their speed.", "sorts"),
        ("We present Zebu, a counter, and a dataset. It sees large herds from afar.", "it sees"),
        ("We present two counters of stripes. It sees large herds from afar.", "it sees"),
        ("We present a counter of stripes. This tower sees large herds from afar.", "it sees"),
        ("We present a counter of stripes. Flies are rare. It sees large herds from afar.", "it sees"),
        ("We present a counter of stripes. First, we learn to see the manes of herds.", "learns"),
        ("We present a counter of stripes. We evaluate the counter on large herds.", "evaluates"),
        ("We present a counter of stripes. We plot manes.", "plots"),
    ],
)
def test_a_short_sentence_stays_alone_where_the_next_speaks_of_another_thing_or_says_little(
    sentences: str, half: str
) -> None:
    assert half not in summarise("Counting the Stripes of Herds", f"Stripes matter. {sentences}")


@pytest.mark.parametrize(
    ("told", "line"),
    [
        ("present a filter that counts stripes and evaluate five herds", "stripes and evaluates five herds"),
        ("sort stripes, examine manes from birth to death, and discuss herds", "death, and discusses herds"),
        ("apply filters to deep herds and discuss the use of manes", "herds and discusses the use"),
        ("review manes, stripes and provide insights into herds", "stripes and provides insights"),
        ("build a filter that helps to count stripes and plot the herds", "to count stripes and plot the"),
        ("study herds in which zebras should count stripes and learn to run", "stripes and learn to run"),
    ],
)
def test_a_verb_of_the_authors_far_from_the_first_is_put_into_the_third_person_too(
    told: str, line: str
) -> None:
    assert line in in_third_person(f" {told.partition(' ')[2]}", in_past=False)


def test_a_verb_that_stays_in_the_past_is_doubted() -> None:
    assert doubts("Adapts filters to herds and analyzed their manes", set()) >= GRAVE


def test_what_is_introduced_goes_before_what_is_claimed_although_it_is_a_little_doubtful() -> None:
    line = summarise(
        "Keepers of Large Parks Count Zebras at Dawn",
        "We present a counter of stripes, that sees large herds from afar by night. "
        "Trials show that keepers of large parks count 3.2% more zebras at noon.",
    )
    assert line.startswith("Presents a counter of stripes")


def test_an_alternative_that_meets_what_another_sentence_says_keeps_how() -> None:
    met = "We propose {} that avoids this constraint by counting stripes at night."
    assert without_pointers(met.format("a filter")) == "We propose a filter counting stripes at night."
    assert without_pointers(met.format("an alternative")) == (
        "We propose an alternative by counting stripes at night."
    )


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (
            "To the best of our knowledge, this work presents the first counter of manes.",
            "Presents what is, to the authors' knowledge, the first counter of manes.",
        ),
        (
            "To our knowledge, Zebu is the first counter of manes.",
            "Zebu is, to the authors' knowledge, the first counter of manes.",
        ),
        (
            "We present a count, which, to our knowledge, is the first of its kind.",
            "Presents a count, which, to the authors' knowledge, is the first of its kind.",
        ),
        ("To our knowledge, we count manes that nobody has seen.", "Counts manes that nobody has seen."),
    ],
)
def test_who_is_the_first_as_far_as_authors_know_is_not_said_to_be_the_first(said: str, line: str) -> None:
    assert summarise("Zebu: Stripes", said) == line
