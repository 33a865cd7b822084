"""GCRA: how often one address is answered, and who that is."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.kube.limits import Answer, Limiter, networks, source
from sealer.errors import UsageError
from tests.controller.running.test_notify import Clock

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def allowed(limiter: Limiter, count: int, peer: str = "192.0.2.1", path: str = "/v1/verify") -> int:
    return sum(limiter.ask(path, peer).allowed for _ in range(count))


def test_the_fourth_of_four_quick_requests_is_refused() -> None:
    """E31; the numbers are those that Bitnami's 0.40.0 answered with."""
    limiter = Limiter(2, 2, Clock())
    seen = [limiter.ask("/v1/verify", "192.0.2.1").headers for _ in range(5)]
    assert seen == [
        {"X-RateLimit-Limit": "3", "X-RateLimit-Remaining": "2", "X-RateLimit-Reset": "1"},
        {"X-RateLimit-Limit": "3", "X-RateLimit-Remaining": "1", "X-RateLimit-Reset": "1"},
        {"X-RateLimit-Limit": "3", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "2"},
        {"X-RateLimit-Limit": "3", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "2", "Retry-After": "1"},
        {"X-RateLimit-Limit": "3", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "2", "Retry-After": "1"},
    ]


def test_paths_and_addresses_each_have_their_own() -> None:
    limiter = Limiter(2, 2, Clock())
    assert [allowed(limiter, 5), allowed(limiter, 5, path="/v1/rotate"), allowed(limiter, 5, peer="192.0.2.2")] == [
        3,
        3,
        3,
    ]
    assert allowed(limiter, 5) == 0


def test_it_is_let_again_after_what_it_was_told() -> None:
    clock = Clock()
    limiter = Limiter(2, 2, clock)
    allowed(limiter, 3)
    refused = limiter.ask("/v1/verify", "192.0.2.1")
    assert refused == Answer(False, 3, 0, 1.5, 0.5)
    clock.now += refused.retry_after
    assert allowed(limiter, 3) == 1
    clock.now += 1.5
    assert allowed(limiter, 9) == 3


@given(
    rate=st.floats(0.1, 100),
    burst=st.integers(0, 20),
    waits=st.lists(st.floats(0, 5), min_size=1, max_size=60),
)
def test_never_more_than_the_rate_and_the_burst(rate: float, burst: int, waits: list[float]) -> None:
    clock = Clock()
    limiter = Limiter(rate, burst, clock)
    began, let = clock.now, 0
    for wait in waits:
        clock.now += wait
        answer = limiter.ask("/v1/verify", "192.0.2.1")
        let += answer.allowed
        assert let <= burst + 1 + (clock.now - began) * rate + 1e-6
        assert 0 <= answer.remaining <= burst
        if not answer.allowed:
            clock.now += answer.retry_after + 1e-6
            assert limiter.ask("/v1/verify", "192.0.2.1").allowed
            let += 1


def test_memory_is_bounded_and_many_addresses_share_one_limit() -> None:
    clock = Clock()
    limiter = Limiter(2, 2, clock, most=10)
    flood = sum(limiter.ask("/v1/verify", f"192.0.2.{number}").allowed for number in range(200))
    assert flood == 10 + 3
    assert len(limiter) == 11
    assert allowed(limiter, 5, peer="192.0.2.0") == 2  # whoever was known keeps what is left
    clock.now += 10
    assert allowed(limiter, 5, peer="198.51.100.1") == 3
    assert len(limiter) == 1


def test_a_table_that_is_full_is_not_looked_through_for_each_who_asks() -> None:
    """Of 4096 addresses it takes longer than an answer: once in the time in which one of them may ask again."""
    clock = Clock()
    limiter = Limiter(2, 2, clock, most=3)
    for wait, address, known in ((0, 1, 1), (0, 2, 2), (0.1, 3, 3), (0.1, 4, 4), (0.35, 5, 4), (0.2, 6, 2)):
        clock.now += wait
        assert limiter.ask("/v1/verify", f"192.0.2.{address}").allowed
        assert len(limiter) == known


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),  # whoever asks writes what they like
        ("10.1.2.3", "198.51.100.7", "198.51.100.7"),
        ("10.1.2.3", "203.0.113.9, 198.51.100.7", "198.51.100.7"),  # the proxy adds at the end
        ("10.1.2.3", "203.0.113.9, 198.51.100.7,10.9.9.9", "198.51.100.7"),
        ("10.1.2.3", "10.9.9.9", "10.9.9.9"),
        ("10.1.2.3", "", "10.1.2.3"),
        ("10.1.2.3", "nonsense", "10.1.2.3"),
        ("10.1.2.3", "198.51.100.7, ", "10.1.2.3"),
        ("::ffff:192.0.2.1", "", "192.0.2.1"),
        ("::ffff:10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "", "fe80::/64"),
        ("fd00::1", "2001:db8::9", "2001:db8::/64"),
        ("", "198.51.100.7", "others"),
        ("testclient", "", "others"),
    ],
)
def test_who_asks(peer: str, forwarded: str, expected: str) -> None:
    assert source(peer, forwarded, PROXIES) == expected


def test_without_proxies_the_header_is_nothing() -> None:
    limiter = Limiter(2, 2, Clock())
    assert sum(limiter.ask("/v1/verify", "10.0.0.1", f"192.0.2.{n}").allowed for n in range(20)) == 3
    believed = Limiter(2, 2, Clock(), PROXIES)
    assert sum(believed.ask("/v1/verify", "10.0.0.1", f"192.0.2.{n}").allowed for n in range(20)) == 20


def test_proxies_are_named_in_a_list() -> None:
    assert networks("10.0.0.0/8, fd00::/8,") == PROXIES
    assert networks("") == ()
    assert source("192.0.2.1", "198.51.100.7", networks("192.0.2.1")) == "198.51.100.7"
    for bad in ("proxy.example", "10.0.0.1/8", "10.0.0.0/8 10.1.0.0/16"):
        with pytest.raises(UsageError):
            networks(bad)
