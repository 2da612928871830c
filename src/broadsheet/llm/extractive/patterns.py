"""The turns of phrase by which abstracts introduce, claim and point back, as regular expressions."""

from __future__ import annotations

import re

from broadsheet.llm.extractive.naming import NAME

ADVERBS = (
    r"(?:(?:also|then|first|firstly|further|thus|hence|therefore|here|next|finally|instead|now"
    r"|specifically|simply|[a-z]{3,20}ly) )*"
)
CONNECTIVE = re.compile(
    r"^(?:However|Moreover|Furthermore|Additionally|In addition|Besides|Also|Finally|Lastly|Then|Thus"
    r"|Hence|Therefore|Consequently"
    r"|Accordingly|Specifically|In particular|In detail|Concretely|More specifically|More concretely"
    r"|Notably|Remarkably|Importantly"
    r"|Interestingly|Surprisingly|Empirically|Theoretically|Technically|Overall|Briefly|In brief"
    r"|Intuitively|Conceptually|Essentially|In summary|In short|In "
    r"conclusion|In response|As a result|To this end|To that end"
    r"|To do so|For this purpose|In contrast|On the contrary|By contrast|Conversely|Instead|Meanwhile"
    r"|First|Firstly|Second|Secondly"
    r"|Third|Thirdly|Next|Here|Indeed|In fact|For example|For instance|Namely|That is|Crucially|Motivated "
    r"by this|Inspired by this"
    r"|Nevertheless|Nonetheless|Yet|But|And|So|More importantly|More impressive(?:ly)?|Most importantly"
    r"|In this regard|At the same time|Correspondingly|Together|Ultimately"
    r"|In (?:this|the present|our) (?:paper|work|study|article|report|survey|thesis|manuscript|letter"
    r"|context|setting)"
    r"|With this (?:in mind|insight|motivation)|With these insights|Given this [\w ]{3,30}|As an "
    r"application of [\w ]{3,40}"
    r"|(?:Motivated|Inspired|Guided|Driven|Encouraged) by [^,]{3,120}|Building (?:on|upon) [^,]{3,100}"
    r"|Based on (?:this|these|the above|our|such)[^,]{0,80}"
    r"|(?:In order to|To|For) [^,]{0,40}\b(?:this|these|that|those|such|it|them|the above|the "
    r"aforementioned|the (?:issue|problem|gap|challenge|limitation)s?)\b[^,]{0,60}"
    r"|(?:Through|In|Via|By|On|From|With) (?:extensive|comprehensive|thorough|our|various|a series of"
    r"|empirical|numerical|experimental|simulation|rigorous|both)[^,]{0,100})(?:, | (?=we |our |this paper ))"
    r"",
)
PURPOSE = re.compile(r"^(?:In order to|To) (?P<purpose>[a-z][^,]{8,120}), (?=we |this paper |this work )")
MEANS = re.compile(
    r"^(?P<means>(?:By|Using|Through|With|Via) [^,]{8,110}), (?=we |this paper |this work |it |our )"
)
WE = re.compile(
    rf"^(?:we|this (?:paper|work|study|article|survey|report|thesis)|the (?:present )?(?:paper|authors"
    rf"|study)|our (?:work|paper|study)) {ADVERBS}"
    r"(?P<verb>[a-z-]{2,15})\b(?P<rest>.*)$",
    re.IGNORECASE | re.DOTALL,
)
REPORT = re.compile(
    r"^(?:(?:we|our (?:\w+ ){0,3}(?:experiments?|results?|findings|analys[ie]s|evaluations?|study|work"
    r"|theory|observations?|theorems?|investigation|insight)"
    r"|(?:the |these |both |all )?(?:\w+[ -]){0,4}?(?:experiments|experimentation|results|findings"
    r"|evaluations?|analys[ie]s|studies|simulations|evidence|comparisons)\b[^.;:]{0,110}?"
    r"|this (?:paper|work|study)|it) "
    rf"{ADVERBS}(?P<verb>show|shows|find|finds|demonstrate|demonstrates|prove|proves|reveal|reveals"
    rf"|observe|observes|indicate|indicates|suggest|suggests"
    r"|confirm|confirms|verify|argue|argues|establish|establishes|illustrate|conclude|discover|note"
    r"|highlight|validate|is shown|are shown|report|support)"
    r"(?: in this (?:paper|work))?(?: (?:empirically|theoretically|experimentally))?),? that,? "
    r"(?P<claim>.{12,})$",
    re.IGNORECASE | re.DOTALL,
)
APPOSITION = re.compile(
    rf"^ (?:the |our |an? )?(?P<name>(?:[\w-]+ ){{0,6}}?{NAME}(?: \([\w +-]{{2,24}}\))?)(?: \[[^\]]*\])?, "
    rf"(?:which is )?(?P<what>(?:an?|the first|the) .+)$",
    re.DOTALL,
)
# "We propose X, which corrects labels", "we propose X to correct labels".
ACTING = re.compile(
    rf"^ (?:the |our |an? )?(?:novel |new )?(?P<name>(?:[\w-]+ ){{0,5}}?{NAME}(?: "
    rf"\([\w +-]{{2,24}}\))?)(?:,? (?P<which>which|that) (?P<verb>(?!is|are)[a-z-]+s)\b|,? to "
    rf"(?P<verb_to>[a-z-]+)\b)(?P<rest> .+)$",
    re.DOTALL,
)
RESULT = re.compile(
    r"^(?:(?P<adverb>[a-z]+ly|also) )?(?P<verb>achieves?|outperforms?|improves?|surpass(?:es)?|yields?"
    r"|attains?|obtains?|reduces?|exceeds?|"
    r"beats?|reach(?:es)?|matches|enables?|saves?|delivers?|increases?|accelerates?|maintains?|boosts?"
    r"|provides?|exhibits?|shows?|"
    r"requires?|generalizes?|demonstrates?|establishes|sets|enhances?|offers?|allows?|alleviates?"
    r"|preserves?|mitigates?|pushes|produces?) (?P<rest>.+)$",
    re.DOTALL,
)
KIND_AND_NAME = re.compile(
    rf"^ (?P<what>an? [^,;.]{{4,90}}?(?:method|approach|framework|model|algorithm|architecture|network"
    rf"|system|strategy|paradigm|technique|benchmark|dataset)),? "
    rf"[\"“]?(?P<name>{NAME}(?: {NAME}){{0,3}}(?: \([\w +-]{{2,24}}\))?)[\"”]?(?P<rest>(?! [A-Z])[ ,.].*)?$",
    re.DOTALL,
)
OWN_SUBJECT = re.compile(
    r"^(?:The|This) (?:[\w-]+ ){0,3}?(?:method|approach|model|framework|algorithm|technique|system"
    r"|network|architecture|scheme|strategy) (?=[a-z]+)"
)
CALLED = re.compile(
    rf"^ (?P<what>(?:an?|the) [^,;.]{{4,110}}?),? (?:(?:which|that) (?:we|is) )?(?:called|call|termed"
    rf"|term|named|name|dubbed|dub|coined|namely|referred to as|refer to as)(?: as)?,? "
    rf"[\"“]?(?P<name>(?:[\w-]+ ){{0,5}}?{NAME}(?: \([\w +-]{{2,24}}\))?)[\"”]?(?P<rest>(?! [A-Z])[ ,.].*)?$",
    re.DOTALL,
)
SELF = re.compile(
    r"\b(?:our|the proposed|this|the new|the resulting|the presented) (?:(?:proposed|novel|new|simple"
    r"|full|final|overall|best|\w+-\w+) )?"
    r"(?P<noun>method|approach|model|framework|algorithm|technique|system|network|architecture|scheme"
    r"|strategy|solution|paradigm|design|work)\b(?!s)(?!-)",
    re.IGNORECASE,
)
INTRODUCING = frozenset(
    """
        propose introduce present develop devise describe design offer contribute build create formulate
    """.split()  # noqa: SIM905 - words read best as words
)
LEANING = re.compile(
    r"^(?:It|They|This|These|Those|Such|Its|Their|That|He|Doing|Both|The (?:former|latter|above|first"
    r"|second|third)|Another|Other|One|There|Here|What|Since|While|Although|Though|When|Because|If|As"
    r"|Unlike|Despite|Which)\b"
    r"|\b(?:[Ww]e|[Oo]urs?|us|aforementioned|above-mentioned|the above|[Tt]his (?:paper|work|issue"
    r"|problem|gap|limitation|challenge|end|goal|question|setting|phenomenon|assumption)"
    r"|these (?:issues|problems|challenges|limitations|two|findings|insights|results|methods|models))\b"
)


HINTING = re.compile(
    r"\b(?:this|these|those|such(?! as)|the (?:two|three|first|second|former|latter|resulting|above"
    r"|proposed|obtained|same)|both|their existing|in turn"
    r"|prior|it also|they|he)\b"
)
