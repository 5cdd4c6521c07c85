"""What a bad checklist is: a whole file, the name of what is wrong with it, and what must come of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

MARKDOWN, YAML = ".md", ".yaml"


@dataclass(frozen=True)
class Bad:
    """One file. `content` is made when it is asked for where it is large."""

    name: str
    """What is wrong with it."""
    ending: str
    content: bytes | Callable[[], bytes] = b""
    refused: str = ""
    """Words of the error that refuses it; empty where it loads."""
    family: str = ""
    """Of what kind the badness is: a mutant is tried on its own."""
    make: Callable[[Path], None] | None = None
    """Makes what is no regular file, in the place of `content`."""

    @property
    def is_large(self) -> bool:
        """Whether a run of it costs more than a start."""
        return not isinstance(self.content, bytes)

    @property
    def data(self) -> bytes:
        """Its bytes."""
        return self.content if isinstance(self.content, bytes) else self.content()

    def write(self, path: Path) -> None:
        """Put it there."""
        if self.make is not None:
            self.make(path)
        else:
            path.write_bytes(self.data)


def markdown(text: str) -> bytes:
    """The bytes of a Markdown text; a lone surrogate becomes the bytes that a careless program writes."""
    return text.encode("utf-8", "surrogatepass")


def step(block: str) -> str:
    """A Markdown checklist with one step, whose `yaml step` block this is."""
    lines = "".join(f"  {line}\n" if line else "\n" for line in block.split("\n"))
    return f"# Release\n\n- [ ] Step\n\n  ```yaml step\n{lines}  ```\n"


def script(text: str, language: str = "bash") -> str:
    """A Markdown checklist with one step, which this script carries out."""
    lines = "".join(f"  {line}\n" if line else "\n" for line in text.split("\n"))
    return f"# Release\n\n- [ ] Step\n\n  ```{language}\n{lines}  ```\n"


def loads(ending: str, family: str, files: Mapping[str, str | bytes]) -> Iterable[Bad]:
    """Files that load, by their names."""
    for name, content in files.items():
        yield Bad(name, ending, content if isinstance(content, bytes) else markdown(content), "", family)


def refused(ending: str, family: str, files: Mapping[str, tuple[str | bytes, str]]) -> Iterable[Bad]:
    """Files that are refused, by their names, each with words of its error."""
    for name, (content, words) in files.items():
        yield Bad(name, ending, content if isinstance(content, bytes) else markdown(content), words, family)
