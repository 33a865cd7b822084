"""One SealedSecret that is worked on: read, and what came of it where all is well. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from controller.kube import conditions, document
from controller.kube.conditions import Outcome
from controller.kube.opening import NotOpened
from controller.kube.wanted import Owner
from sealer.secret import Ref

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sealer.documents.document import SealedSecret


@dataclass(frozen=True, slots=True)
class Subject:
    """A SealedSecret as it was seen, by its key `namespace/name`."""

    key: str
    item: dict[str, Any]
    document: SealedSecret
    legacy: str | None
    input: str

    @property
    def ref(self) -> Ref:
        """Namespace and name."""
        namespace, _, name = self.key.partition("/")
        return Ref(namespace, name)

    @property
    def unchanged(self) -> bool:
        """Whether its status says that this very document was delivered, by whichever controller."""
        return conditions.delivered(self.item, self.input)

    @property
    def owner(self) -> Owner:
        """What its Secret is of."""
        return Owner(self.ref.name, self.item["metadata"]["uid"])


def read(key: str, item: dict[str, Any], *, accept_data: bool) -> Subject:
    """The subject of an object. Raises NotOpened."""
    try:
        found, legacy = document.read(item, accept_data=accept_data)
    except document.Unusable as error:
        raise NotOpened("Malformed", error.what) from None
    return Subject(key, item, found, legacy, document.input_for(item, found, legacy))


def good(subject: Subject, stands: Mapping[str, Any], keys: tuple[str, ...]) -> Outcome:
    """What came of one whose Secret stands as it should."""
    metadata = stands["metadata"]
    secret = (metadata["name"], metadata["uid"], metadata["resourceVersion"])
    return Outcome(True, "Unsealed", "", input=subject.input, keys=keys, secret=secret)
