"""Label selectors: what we refuse before anything is begun is what an API server refuses, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from controller.kube import selector
from sealer.errors import UsageError

if TYPE_CHECKING:
    from tests.kube.cluster import Cluster

_TEXTS = """\
a=b|a|!a|! a|a==b,c!=d|a = b , c|a in (x,y),b notin (z)|a in(x)|a in ( x , )|a in ()|x/y=1|example.com/y|a=|a!=
a>5|a < 7|in|in in (in)||  |a=b=c|
a=b=c,|a,|,a|a,,b|a in x|a b|a=b c|-a|a=-b|a-|X/y=1|a in (x y)|!a=b|a<x|a>-5|!|a!b|a/b/c|/a|a/|a='b'
"""


@pytest.mark.parametrize("text", [*_TEXTS.replace("\n", "|").split("|"), "a" * 63, "a" * 64, "a=" + "b" * 64])
def test_a_selector_is_refused_where_an_api_server_refuses_it(cluster: Cluster, text: str) -> None:
    status, _ = cluster.call("GET", f"/api/v1/namespaces/default/secrets?labelSelector={quote(text, safe='')}")
    assert status in (200, 400)
    if status == 200:
        assert selector.checked(text) == text
    else:
        with pytest.raises(UsageError, match="--label-selector: is no label selector"):
            selector.checked(text)
