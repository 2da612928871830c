"""Finds, renders and hashes the texts in ``prompts/``. An undefined variable in a text is an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from broadsheet.annotation import Annotation
from broadsheet.errors import ConfigError, why_unreadable
from broadsheet.fields import UserField, annotation_model, parse
from broadsheet.hashing import short_hash
from broadsheet.taxonomy import Taxonomy

if TYPE_CHECKING:
    from jinja2 import Environment  # noqa: TID251 - this room renders prompts

SYSTEM, USER, REPAIR = "annotate.system.md", "annotate.user.md", "repair.user.md"
ENGLISH = "en"
TAXONOMY, FIELDS = "taxonomy.toml", "fields.toml"


def default_folder() -> Path:
    """Return where the texts are: in the wheel beside this file, in a checkout at its top.

    An editable install and ``PYTHONPATH=src`` do not see what the wheel takes in from outside the package,
    so the checkout's own folder is the fallback.
    """
    packaged = Path(__file__).with_name("prompts_data")
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "prompts"


@dataclass(frozen=True)
class Prompts:
    """The texts of one folder.

    Attributes:
        texts: Content of each template, by file name.
        taxonomy: The tags that the texts and the schema name.
        fields: The fields that a user declares beyond those of `Annotation`.
        language: BCP 47 tag of the language that summaries are asked for in.
    """

    texts: Mapping[str, str]
    taxonomy: Taxonomy
    fields: tuple[UserField, ...] = ()
    language: str = ENGLISH

    @classmethod
    def load(cls, folder: Path | None = None, language: str = ENGLISH) -> Prompts:
        """Read the texts of a folder; one that is missing there is taken from the defaults.

        Raises:
            ConfigError: The folder or a text cannot be read, or the taxonomy is malformed.
        """
        if folder is not None and not folder.is_dir():
            raise ConfigError(
                f"There is no folder of prompts at {folder}; correct --prompts or leave it out."
            )
        texts = {name: _read(folder, name) for name in (SYSTEM, USER, REPAIR)}
        declared = folder / FIELDS if folder else None
        fields = parse(_text(declared), str(declared)) if declared and declared.is_file() else ()
        return cls(texts, _taxonomy(folder), fields, language)

    @property
    def annotation(self) -> type[Annotation]:
        """Return the class of the annotations that these prompts ask for."""
        return annotation_model(self.fields)

    @cached_property
    def id(self) -> str:
        """Return the hash of texts, taxonomy and language: an annotation made under another is stale."""
        texts = (self.texts[name] for name in sorted(self.texts))
        other_language = () if self.language == ENGLISH else (self.language,)
        return short_hash(*texts, self.taxonomy.id, *other_language)

    def render(self, name: str, **values: Any) -> str:
        """Fill in a text.

        Raises:
            ConfigError: The text has a syntax error, names a variable that it is not given, or computes what
                cannot be computed.
        """
        from jinja2 import TemplateError  # noqa: TID251 - this room renders prompts

        try:
            return self._environment.get_template(name).render(
                taxonomy=self.taxonomy, language="" if self.language == ENGLISH else self.language, **values
            )
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise ConfigError(f"The prompt {name} cannot be rendered ({error}); correct it.") from error

    def try_out(self) -> None:
        """Fill in every text with an invented paper.

        Raises:
            ConfigError: A text cannot be rendered.
        """
        self.render(SYSTEM)
        self.render(USER, papers=[{"ref": 1, "title": "A Title", "text": "An abstract."}])
        self.render(REPAIR, problems=[{"ref": 1, "detail": "tldr: it is missing"}])

    @cached_property
    def _environment(self) -> Environment:
        from jinja2 import DictLoader, Environment, StrictUndefined  # noqa: TID251 - the same

        return Environment(  # noqa: S701 - the output is a prompt, not a page: nothing to escape
            loader=DictLoader(dict(self.texts)),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=False,
        )


def _taxonomy(folder: Path | None) -> Taxonomy:
    packaged = _text(default_folder() / TAXONOMY)
    own = folder / TAXONOMY if folder else None
    if own is None or not own.is_file():
        return Taxonomy.parse(packaged)
    return Taxonomy.parse(_text(own), name=str(own), base=packaged)


def _read(folder: Path | None, name: str) -> str:
    return _text(folder / name if folder and (folder / name).is_file() else default_folder() / name)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"The prompt {path} cannot be read ({why_unreadable(error)}); restore it."
        ) from error
