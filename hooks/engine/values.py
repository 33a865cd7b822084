"""Whether what a rule's expression found can be a credential: checksum, entropy, and how placeholders look. Pure."""

from __future__ import annotations

from hooks.placeholder import is_dictionary_word, is_placeholder
from hooks.randomness import entropy

TYPE_CHECKING = False  # typing's own would be an import.
if TYPE_CHECKING:
    from hooks.engine.build import Record

_LONGEST_RUN = 9
# Too long to be in a random value by chance.
_STOP = (
    "example",
    "placeholder",
    "changeme",
    "change_me",
    "change-me",
    "redacted",
    "replace",
    "insert",
    "dummy",
    "your_",
    "your-",
    "yourtoken",
    "yourkey",
    "yoursecret",
    "xxxxx",
    "...",
    "12345678",
    "87654321",
    "abcdefg",
    "abcd1234",
    "abc123def",
    "deadbeef",
    "f00dbabe",
    "notreal",
    "not-real",
    "not_real",
    "invalid",
    "fakefake",
    "testtest",
)


def plausible(record: Record, value: bytes) -> bool:
    """Whether a value may be one that was really issued."""
    if record.checksum and not _fits(record, value, only=False):
        return False
    text = value.decode("latin-1")
    if entropy(text) < record.entropy:
        return False
    low = text.lower()
    return not (
        any(word in low for word in _STOP) or _monotonous(text) or is_dictionary_word(text) or is_placeholder(text)
    )


def issued(record: Record, value: bytes) -> bool:
    """Whether a value's checksum fits. One that doesn't was not issued as it stands: it is cut, mistyped or made up."""
    return not record.checksum or _fits(record, value, only=True)


def _fits(record: Record, value: bytes, *, only: bool) -> bool:
    from hooks.engine.checksum import CHECKS, ONLY_A_SUM

    return (record.checksum in ONLY_A_SUM) is not only or CHECKS[record.checksum](value)


def _monotonous(text: str) -> bool:
    """Whether one character stands many times in a row."""
    run, last = 0, ""
    for sign in text:
        run = run + 1 if sign == last else 1
        if run > _LONGEST_RUN:
            return True
        last = sign
    return False
