"""What surrounds the items of a SealedSecret when it becomes a Secret: `spec.template.data`.

Values without `{{` are copied; the others are Go templates, rendered as Bitnami's controller renders them
(reference/bitnami-sealed-secrets.md section 2.4): dot is a map of all items, the template's own texts among them as
they are written. null leaves an item out, and an encrypted item wins over a template's of the same name. The engine is
imported where a template needs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sealer.errors import TemplateRefused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sealer.documents.document import Template
    from sealer.template.language.stream import Allowance
    from sealer.template.limits import Run

_OPEN = "{{"


def is_template(text: str) -> bool:
    """Whether a value is a template; else it is copied as it is."""
    return _OPEN in text


def check(template: Template, file: str = "", only: str | None = None) -> None:
    """Raise TemplateRefused for the first value that is no template, or for one of them; `file` is where it stands."""
    for item, error in refused(template, only):
        raise _placed(error, template, item, file) from None


def refused(template: Template, only: str | None = None) -> Iterator[tuple[str, TemplateRefused]]:
    """Each value that is no template, or one of them, with what is wrong in it; together they have one allowance."""
    allowance = None
    for item, text in _templates(template, only):
        from sealer.template import rendering

        allowance = allowance or rendering.allowed()
        try:
            rendering.compiled(item, text, allowance)
        except TemplateRefused as error:
            yield item, error


def render(
    template: Template, items: Mapping[str, bytes], file: str = "", *, run: Run | None = None
) -> dict[str, bytes]:
    """All items of the Secret: `items` less those that the template drops, plus the template's own.

    Raises TemplateRefused, which quotes no value. `run` holds the clock, the random numbers and the limits; by default
    the machine's own.
    """
    result = {item: value for item, value in items.items() if template.data.get(item, "") is not None}
    allowance = None
    for item, text in template.data.items():
        if text is not None and item not in items:
            if is_template(text) and allowance is None:
                from sealer.template import rendering

                run, allowance = run or rendering.run(), rendering.allowed()
            result[item] = render_item(template, item, items, file, run=run, allowance=allowance)
    return result


def render_item(
    template: Template,
    item: str,
    items: Mapping[str, bytes],
    file: str = "",
    *,
    run: Run | None = None,
    allowance: Allowance | None = None,
) -> bytes:
    """One of the template's own items. Raises TemplateRefused as `render` does; KeyError where there is none."""
    text = template.data[item] or ""
    if not is_template(text):
        return text.encode("utf-8")
    from sealer.template import rendering

    values = {key: raw.encode() for key, raw in template.data.items() if raw is not None} | dict(items)
    try:
        return rendering.render(item, text, values, run or rendering.run(), allowance)
    except TemplateRefused as error:
        raise _placed(error, template, item, file) from None


def missing(template: Template, items: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Each template that reads an item which isn't there, with what to say of it; check the template first."""
    known = {*items, *(item for item, text in template.data.items() if text is not None)}
    allowance = None
    for item, text in _templates(template):
        from sealer.template import references, rendering

        allowance = allowance or rendering.allowed()
        for found in references.references(rendering.parsed(item, text, allowance)):
            if found.item not in known:
                yield item, f"{rendering.place(item, text, found.at)}: there is no item {found.item[:253]}"


def draws(template: Template) -> bool:
    """Whether a template asks for the clock or for random numbers, so that two renders may differ."""
    from sealer.template import rendering

    allowance = rendering.allowed()
    return any(rendering.draws(item, text, allowance) for item, text in _templates(template))


def _templates(template: Template, only: str | None = None) -> Iterator[tuple[str, str]]:
    for item, text in sorted(template.data.items()):
        if text is not None and is_template(text) and only in (None, item):
            yield item, text


def _placed(error: TemplateRefused, template: Template, item: str, file: str) -> TemplateRefused:
    error.where = f"{file}:{template.lines[item]}" if file and item in template.lines else file
    return error
