"""Which items become which variables."""

from __future__ import annotations

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealer.errors import NameRefused, Refused, UsageError
from sealer.running import variables

_REFUSED = """PATH Path LD_PRELOAD LD_LIBRARY_PATH DYLD_INSERT_LIBRARIES BASH_ENV ENV IFS SHELLOPTS BASHOPTS PS4
    PROMPT_COMMAND PYTHONPATH PYTHONSTARTUP NODE_OPTIONS PERL5LIB PERL5OPT RUBYOPT RUBYLIB GIT_SSH_COMMAND
    GIT_CONFIG_COUNT GIT_EXEC_PATH GCONV_PATH HOME XDG_CONFIG_HOME EDITOR PAGER JAVA_TOOL_OPTIONS OPENSSL_CONF
    SEALER_PRIVATE_KEY SEALER_FILES npm_config_script_shell"""


def _choose(items: dict[str, bytes], **options: object) -> variables.Chosen:
    return variables.choose(items, **({"only": [], "prefix": "", "as_files": False} | options))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name",
    _REFUSED.split(),
)
def test_names_that_run_code_are_refused(name: str) -> None:
    value = secrets.token_hex(8)
    with pytest.raises(Refused, match=name) as caught:
        _choose({name: value.encode(), "OTHER": b""})
    assert "--prefix" in caught.value.way_out
    assert value not in str(caught.value)


@pytest.mark.parametrize("name", ["DATABASE_URL", "PGPASSWORD", "GIT_TOKEN", "AWS_SECRET_ACCESS_KEY", "NPM_TOKEN", "U"])
def test_ordinary_credentials_are_not(name: str) -> None:
    assert _choose({name: b"v"}).values == {name: b"v"}


def test_a_prefix_makes_a_refused_name_harmless_and_a_harmless_one_refused() -> None:
    assert _choose({"PATH": b"v"}, prefix="APP_").values == {"APP_PATH": b"v"}
    with pytest.raises(Refused):
        _choose({"PRELOAD": b"v"}, prefix="LD_")


def test_only_leaves_the_others_out_even_refused_ones() -> None:
    assert _choose({"PATH": b"v", "A": b"a"}, only=["A"]).values == {"A": b"a"}
    with pytest.raises(UsageError, match=r"--only B.*there are: A, PATH"):
        _choose({"PATH": b"v", "A": b"a"}, only=["B"])


def test_names_that_no_variable_can_have_are_skipped_and_named() -> None:
    found = _choose({"api-key": b"1", "tls.crt": b"2", "9": b"3", "GOOD_1": b"4"})
    assert found.values == {"GOOD_1": b"4"}
    assert found.skipped == ("api-key", "tls.crt", "9")


def test_files_may_have_any_items_name() -> None:
    found = _choose({"api-key": b"1\0", "PATH": b"2"}, as_files=True, prefix="p-")
    assert found.values == {"p-api-key": b"1\0", "p-PATH": b"2"}
    with pytest.raises(NameRefused):
        _choose({"a": b"1"}, as_files=True, prefix="../")


def test_a_prefix_has_to_begin_a_name() -> None:
    with pytest.raises(UsageError, match="--prefix"):
        _choose({"A": b""}, prefix="1-")


def test_nul_is_refused_without_the_value() -> None:
    with pytest.raises(Refused, match="NUL"):
        _choose({"A": b"a\0b"})


def test_the_environment_holds_nothing_of_ours_and_secrets_win() -> None:
    parent = {"A": "parent", "B": "b", "SEALER_PRIVATE_KEY": "x", "SEALER_KEYRING": "y", "SEALERISH": "z"}
    assert variables.environment(parent, {"A": "secret"}, preserve=False) == {"A": "secret", "B": "b", "SEALERISH": "z"}
    assert variables.environment(parent, {"A": "secret"}, preserve=True)["A"] == "parent"


@given(st.dictionaries(st.text(max_size=12), st.binary(max_size=8)), st.booleans())
def test_whatever_comes_out_can_be_a_variable(items: dict[str, bytes], prefixed: bool) -> None:
    try:
        found = _choose(items, prefix="X_" if prefixed else "")
    except Refused:
        return
    for name, value in found.values.items():
        assert name.isidentifier()
        assert name.isascii()
        assert b"\0" not in value
        assert variables.refusal(name) is None
