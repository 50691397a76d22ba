"""What the site holds beside the pages of ``docs/``: ``make site`` (mkdocs calls the functions named ``on_…``).

Pages made here: the help of both commands, the public Python names with their docstrings, the notebooks of
``examples/`` with their outputs, a list of the decisions, and the changelog. None of them lies in ``docs/`` a second
time. A link of a page to a file outside ``docs/`` leads to its page here; one to any other file stops the build.
"""

from __future__ import annotations

import inspect
import json
import posixpath
import re
import sys
import textwrap
from pathlib import Path
from typing import Any

import typer

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))

OUTSIDE = {
    "README.md": "README.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "docs/decisions": "decisions/README.md",
    **{f"examples/{path.name}": f"notebooks/{path.stem}.md" for path in NOTEBOOKS},
}
"""Where on the site a file outside ``docs/`` stands."""

_LINK = re.compile(r"(\]\()([^)\s#:]+)((?:#[^)\s]*)?\))")
_FENCE = re.compile(r"^(```.*?^```)", re.DOTALL | re.MULTILINE)
_MORE = {"Model": ", inherited_members: true"}
"""A model is nothing but what its roles may do."""

_FETCHED = re.compile(
    r"<(?:script|img|iframe|source)\b[^>]*\bsrc=\"?(?:https?:)?//[^>]*>|<link\b[^>]*stylesheet[^>]*//[^>]*>"
)

_DEEPER = re.compile(r"^   (?=\S)", re.MULTILINE)
"""What goes on in a numbered list: three blanks by CommonMark, four for mkdocs."""

_ROLE = re.compile(r":(?:class|func|meth|mod|data|attr|exc):<code>~?([\w.]+)</code>")


def pages() -> dict[str, str]:
    """The text of every page that is made, by its place on the site."""
    found = {
        "reference/retrain.md": command_page("retrain"),
        "reference/registry.md": command_page("registry"),
        "reference/python.md": python_page(),
        "reference/errors.md": "# Errors\n\n::: registry.errors\n    options: { show_root_heading: false }\n",
        "decisions/README.md": decisions_page(),
        "changelog.md": relinked((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), "", "changelog.md"),
        "contributing.md": relinked((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), "", "contributing.md"),
    }
    return found | {OUTSIDE[f"examples/{path.name}"]: notebook_page(path) for path in NOTEBOOKS}


def command_page(name: str) -> str:
    """The help of a command and of all below it."""
    from typer.cli import get_docs_for_click

    from flows.cli import app as retrain
    from registry.cli import app as registry

    group: Any = typer.main.get_command({"retrain": retrain, "registry": registry}[name])
    context = typer.Context(group, info_name=name)
    text = get_docs_for_click(obj=group, ctx=context, name=name)
    whole = {each: group.get_command(context, each).help.split("\n\n")[0] for each in group.list_commands(context)}

    def row(line: re.Match[str]) -> str:
        return f"* [`{line[1]}`](#{name}-{line[1]}): {' '.join(whole[line[1]].split())}"

    head, rest = text.split("\n## ", 1)  # the list cuts each line to the width of a terminal
    return re.sub(r"^\* `([a-z][a-z-]*)`: .*$", row, head, flags=re.MULTILINE) + "\n## " + rest


def python_page() -> str:
    """``registry``: its protocol, then every public name, functions before classes."""
    import registry

    parts = ["# Python: `registry`\n", _protocol(registry.__doc__ or "")]
    names = [name for name in registry.__all__ if name != "errors"]
    functions = [name for name in names if inspect.isfunction(getattr(registry, name))]
    for title, group in (("Functions", functions), ("Classes", [name for name in names if name not in functions])):
        parts.append(f"## {title}\n")
        parts += [f"::: registry.{name}\n    options: {{ heading_level: 3{_MORE.get(name, '')} }}\n" for name in group]
    return "\n".join(parts)


def decisions_page() -> str:
    """One line a decision, by its heading."""
    lines = ["# Decisions\n", "What was chosen, and what lost.\n"]
    for path in sorted((ROOT / "docs" / "decisions").glob("0*.md")):
        title = path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
        lines.append(f"- [{title}]({path.name})")
    return "\n".join([*lines, ""])


def notebook_page(path: Path) -> str:
    """A notebook as a page: its text, its code and what each cell gave."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    parts = []
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(relinked(source, "examples", OUTSIDE[f"examples/{path.name}"]))
            continue
        parts.append(f"```python\n{source}\n```")
        parts += [_output(output) for output in cell["outputs"]]
    return "\n\n".join([*parts, ""])


def relinked(text: str, folder: str, place: str) -> str:
    """``text`` of a file in ``folder`` of the project, its links as they must be at ``place`` on the site.

    Raises ``ValueError`` for a link to a file that the site does not have.
    """

    def link(found: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, found[2]))
        if target in OUTSIDE:
            goal = OUTSIDE[target]
        elif target.startswith("docs/"):
            goal = target.removeprefix("docs/")
        else:
            raise ValueError(
                f"{place}: a link to {target}, which the site does not have: add it to OUTSIDE or take it out"
            )
        return found[1] + posixpath.relpath(goal, posixpath.dirname(place) or ".") + found[3]

    parts = _FENCE.split(text)
    return "".join(part if part.startswith("```") else _DEEPER.sub("    ", _LINK.sub(link, part)) for part in parts)


def on_files(files: Any, config: Any) -> Any:
    """mkdocs: the pages that are made join those of the folder."""
    from mkdocs.structure.files import File

    sys.path.insert(0, str(ROOT))  # the commands of this tree, whatever is installed
    for place, text in pages().items():
        files.append(File.generated(config, place, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """mkdocs: the links of a page of ``docs/`` as they must be on the site."""
    if page.file.generated_by is not None:
        return markdown
    place = page.file.src_uri
    return relinked(markdown, posixpath.join("docs", posixpath.dirname(place)).rstrip("/"), place)


def on_page_content(html: str, page: Any, **_: Any) -> str:
    """mkdocs: what docstrings say in Sphinx's manner (``:class:`X```) becomes links."""
    if not page.file.src_uri.startswith("reference/"):
        return html
    return re.sub(r"::</p>", ":</p>", _ROLE.sub(_reference, html))


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """mkdocs: a page that would fetch anything from elsewhere stops the build."""
    fetched = _FETCHED.search(output)
    if fetched is not None:
        raise ValueError(f"{page.file.src_uri} fetches from elsewhere: {fetched[0][:200]}")
    return output


def _reference(role: re.Match[str]) -> str:
    import registry

    module, _, name = role[1].rpartition(".")
    known = "registry.errors" if hasattr(registry.errors, name) else "registry" if name in registry.__all__ else None
    if known is None or module not in ("", "registry", known):
        return f"<code>{role[1]}</code>"
    return f'<autoref identifier="{known}.{name}" optional><code>{name}</code></autoref>'


def _protocol(text: str) -> str:
    """The head of the package without its Sphinx marks."""
    prose, code, end = re.split(r"\n::\n\n((?:    .*\n|\n)+)", re.sub(r":\w+:`([^`]+)`", r"`\1`", text))
    return f"{prose}\n\n```python\n{textwrap.dedent(code).rstrip()}\n```\n\n{end}"


def _output(output: dict[str, Any]) -> str:
    """What a cell gave, as a notebook shows it: HTML where there is any, else text."""
    data = output.get("data", {})
    html = "".join(data.get("text/html", data.get("image/svg+xml", [])))
    if html:
        lines = (line for line in html.split("\n") if line.strip())  # an empty line would end the block of HTML
        return '<div class="output">\n' + "\n".join(lines) + "\n</div>"
    text = "".join(output.get("text", data.get("text/plain", []))).rstrip("\n")
    return f"```{{ .text .output }}\n{text}\n```"
