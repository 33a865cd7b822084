"""A text that is too large for one blob, in parts: cut where a document or an element of a list ends.

Where there is no such place in good time, a part begins with the last lines of the one before, so that nothing is lost
where they meet: what spans less than `reading.OVERLAP` bytes is whole in one of them. A Secret that is cut like that is
not: its items are only known beside its kind, so the part that names it says that the file was partly read.
"""

from __future__ import annotations

import re

from hooks import reading
from hooks.reading import WIDE, Blob

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Path = tuple[str | int, ...]

_LONGEST_NAME = 200
LARGEST = 32 * 1024 * 1024
"""So much of JSON is kept together, where nothing in it ends."""
PARTLY = "holds a Secret that is too large to be looked at whole"
WAY_OUT = "split the file, or leave it out: --exclude PATTERN"

_SECRET = re.compile(rb"""ind\W{1,16}Secret\b""")
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*("?)|[\[\]{},]', re.DOTALL)
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_FLAT = rb'(?:[^"\[\]{}]++|' + _STRING + rb")*+"
# What holds no list or map but whole ones without others in them: nothing in it can be a place to cut at.
_INNER = re.compile(rb'(?:[^"\[\]{}]++|' + _STRING + rb"|\{" + _FLAT + rb"\}|\[" + _FLAT + rb"\])*+", re.DOTALL)
_JSON = (".json", ".jsonl", ".ndjson", ".tfstate", ".ipynb", ".har")
_BEGINS = re.compile(rb"""(?:\xef\xbb\xbf)?\s*[\[{]\s*["\[{]""")
_DEEP = 2
"""Elements are those of a list, or of the list in an object, as `kubectl get -o json` prints it."""
_MAP = [0x7B]
"""The brackets around what is inside of an element that is a map."""
_ELEMENT = re.compile(rb"\n(?:---|-[ ]+apiVersion:)")


def parts(path: str, size: int, head: bytes, take: Callable[[int], bytes], commit: str) -> Iterator[Blob]:
    """The parts of a text; `head` is its beginning, `take` gives what follows."""
    from hooks.detect import is_manifest

    decode = _decoder(head)
    name = path.lower().rpartition("/")[2]
    text = decode(head)
    bare = "." not in name
    json = _Json() if (bare or name.endswith(_JSON)) and _BEGINS.match(text) else None
    yaml = json is None and (bare or name.endswith((".yaml", ".yml")))
    left = size - len(head)
    before, inside = 0, False
    within: Path = ()

    def part(data: bytes, *, cut: bool) -> Blob:
        torn = cut and is_manifest(name) and _SECRET.search(data)
        said = {"problem": PARTLY, "way_out": WAY_OUT} if torn else {}
        blob = Blob(path, data, commit=commit, before=before, **said)
        blob.within = within
        return blob

    while left > 0:
        data = take(min(left, reading.PART))
        left = left - len(data) if data else 0
        text += decode(data)
        if left <= 0:
            break
        if json:
            if (found := json.cut(text)) is not None:
                end, start = found
                yield part(json.before + text[:end] + json.after, cut=inside)
                before += text.count(b"\n", 0, start)
                text, inside, within = json.rest(text), False, json.within
                continue
            if len(text) < LARGEST:
                continue
            text, json = json.before + text, None
        end, start, clean = _cut(text, yaml=yaml)
        yield part(text[:end], cut=inside or not clean)
        before += text.count(b"\n", 0, start)
        text, inside, within = text[start:], not clean, ()
    yield part((json.before if json else b"") + text, cut=inside)


class _Json:
    """Goes through JSON as it comes, in bytes. `before` and `after` make a value of the part that was cut off.

    `within` is where in the whole that part begins: `("items", 4000)`, `(4000,)` or, in a list of lists, `(3, 4000)`.
    """

    def __init__(self) -> None:
        self.before = self.after = b""
        self.within: Path = ()
        self._next: tuple[bytes, Path] = b"", ()
        self._stack: list[int] = []
        self._counts: list[int] = []
        self._name = b""
        self._at = 0
        self._start = 0

    def cut(self, text: bytes) -> tuple[int, int] | None:
        """Where the last element ends that ends in this text, and where the next one begins."""
        stack, counts = self._stack, self._counts
        cut: tuple[int, int, bytes, bytes, list[int]] | None = None
        while token := _TOKEN.search(text, self._at):
            first = token[0][0]
            if first == 0x22:
                if not token[1]:  # the string goes on in what is still to come
                    self._at = token.start()
                    break
                if len(stack) == 1:
                    self._name = token[0]
            elif first in b"[{":
                stack.append(first)
                counts.append(0)
            elif first in b"]}":
                del stack[-1:], counts[-1:]
                if not stack and text[token.end() : token.end() + 1].isspace():
                    cut = token.end(), token.end(), b"", b"", []
                    if self.before:  # numbers of the list that ends here are none of the next document's
                        self._at = token.end()
                        break
            elif stack and len(stack) <= _DEEP and stack[-1] == 0x5B:
                counts[-1] += 1
                cut = token.start(), token.end(), bytes(stack), self._name, counts[:]
            self._at = token.end()
            if (len(stack) > _DEEP or stack[1:] == _MAP) and (inner := _INNER.match(text, self._at)):
                self._at = inner.end()
        if cut is None:
            return None
        end, self._start, outer, name, numbers = cut
        self.after = outer[::-1].translate(bytes.maketrans(b"[{", b"]}"))
        self._next = _begun(outer, name, numbers)
        return end, self._start

    def rest(self, text: bytes) -> bytes:
        """What of a text comes after the cut."""
        self._at -= self._start
        self.before, self.within = self._next
        return text[self._start :]


def _begun(outer: bytes, name: bytes, numbers: list[int]) -> tuple[bytes, Path]:
    """What makes a value of what follows a cut, and where that stands: the brackets around it, and their numbers."""
    if outer[:1] != b"{":
        return outer, tuple(numbers)
    import json

    try:
        said = json.loads(name) if len(name) <= _LONGEST_NAME else ""
    except ValueError:
        said = ""
    return (b"{%s:[" % name, (said, numbers[1])) if said else (b'{"items":[', ("items", numbers[1]))


def placed(key: str, within: Path) -> str:
    """The path in the whole of what has this one in a part: `items[2].data.x`, `items.2.x`, `[2].x`, `[2][3].x`."""
    match within:
        case (str(name), int(number)):
            return _more(key, re.escape(name) + r"(?:\[|\.(?=\d+\.))", number)
        case (int(outer), int(number)):  # of the lists in the list only the first one was begun before
            return _more(_more(key, r"\[0\]\[", number), r"\[", outer)
        case (int(number),):
            return _more(key, r"\[", number)
    return key


def _more(key: str, before: str, number: int) -> str:
    found = re.match(f"{before}(\\d+)", key)
    return f"{key[: found.start(1)]}{int(found[1]) + number}{key[found.end(1) :]}" if found else key


def _cut(text: bytes, *, yaml: bool) -> tuple[int, int, bool]:
    """Where a part ends, and where the next one begins: at lines, unless they are longer than an overlap.

    The third: whether a document or an element ends there.
    """
    if yaml:
        places = [found.start() + 1 for found in _ELEMENT.finditer(text, len(text) // 2)]
        if places:
            return places[-1], places[-1], True
    overlap = reading.OVERLAP
    end = text.rfind(b"\n", len(text) - overlap) + 1 or _character(text, len(text))
    start = text.rfind(b"\n", end - 2 * overlap, end - overlap) + 1 or _character(text, end - overlap)
    return end, start, False


def _character(text: bytes, at: int) -> int:
    """An offset, moved to the beginning of the UTF-8 character that it is in."""
    start = at
    while at - 3 <= start < len(text) and start > 0 and text[start] & 0xC0 == 0x80:
        start -= 1
    return start


def _decoder(head: bytes) -> Callable[[bytes], bytes]:
    """What makes UTF-8 of parts of a text: only its beginning tells that it is UTF-16."""
    name = WIDE.get(head[:2])
    if name is None:
        return bytes
    import codecs

    decode = codecs.getincrementaldecoder(name)("replace").decode
    return lambda data: decode(data).removeprefix("\ufeff").encode("utf-8", "replace")
