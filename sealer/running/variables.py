"""From items to environment variables: which names are possible, which are refused (DESIGN section 11, `run`). Pure.

Whoever can commit can seal a new item to a public key, so that an item's name is a stranger's input. A name that makes
a loader, a shell, an interpreter or a common tool execute something is refused: else writing Git would be running code
wherever `sealer run` is used.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sealer.errors import Refused, UsageError
from sealer.formats.binding import check_item

OURS = "SEALER_"

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)

_LOADER = "tells the dynamic loader or the C library what to load"
_SHELL = "changes what a shell executes or how it reads a command"
_INTERPRETER = "makes an interpreter load other code"
_TOOL = "names a program or a configuration that common tools execute"
_HOME = "moves the folders where programs find their configuration"

_PREFIXES = {
    "LD_": _LOADER,
    "DYLD_": _LOADER,
    "MALLOC_": _LOADER,
    "BASH_FUNC_": _SHELL,
    "PYTHON": _INTERPRETER,
    "LUA_INIT": _INTERPRETER,
    "LUA_PATH": _INTERPRETER,
    "LUA_CPATH": _INTERPRETER,
    "CORECLR_": _INTERPRETER,
    "COR_PROFILER": _INTERPRETER,
    "GIT_CONFIG": _TOOL,
    "GIT_SSH": _TOOL,
    "GIT_TRACE": _TOOL,
    "OPENSSL_": _TOOL,
    "ERL_": _INTERPRETER,
    "ELIXIR_": _INTERPRETER,
    "HELM_": _TOOL,
    "TF_CLI_": _TOOL,
    OURS: "is one of our own settings",
}

# GIT_* and npm_config_* hold ordinary credentials too (GIT_TOKEN), so these are refused one by one.
_WORDS = {
    _LOADER: """GCONV_PATH GETCONF_DIR GLIBC_TUNABLES HOSTALIASES LOCALDOMAIN LOCPATH NIS_PATH NLSPATH RESOLV_HOST_CONF
        RES_OPTIONS TZDIR LIBPATH SHLIB_PATH""",
    _SHELL: """PATH IFS ENV BASH_ENV BASH_LOADABLES_PATH SHELLOPTS BASHOPTS PROMPT_COMMAND PS0 PS1 PS2 PS4 CDPATH
        GLOBIGNORE FPATH ZDOTDIR SHELL""",
    _INTERPRETER: """NODE_OPTIONS NODE_PATH NODE_REPL_EXTERNAL_MODULE PERL5LIB PERL5OPT PERL5DB PERLLIB RUBYOPT RUBYLIB
        RUBYSHELL GEM_HOME GEM_PATH BUNDLE_GEMFILE BUNDLE_PATH PHPRC PHP_INI_SCAN_DIR JAVA_TOOL_OPTIONS _JAVA_OPTIONS
        JDK_JAVA_OPTIONS JAVA_OPTS CLASSPATH DOTNET_STARTUP_HOOKS DOTNET_ADDITIONAL_DEPS R_PROFILE R_ENVIRON
        JULIA_LOAD_PATH GUILE_LOAD_PATH TCLLIBPATH AWKPATH AWKLIBPATH JAVA_HOME R_HOME R_LIBS R_LIBS_USER R_PROFILE_USER
        R_ENVIRON_USER DOTNET_ROOT DOTNET_SHARED_STORE GOROOT GOENV GOTOOLCHAIN CARGO_HOME RUSTUP_HOME RUSTUP_TOOLCHAIN
        GTK_MODULES GTK_PATH GIO_EXTRA_MODULES QT_PLUGIN_PATH GST_PLUGIN_PATH CAML_LD_LIBRARY_PATH LIBMYSQL_PLUGIN_DIR
        LIBMYSQL_PLUGINS SASL_PATH""",
    _TOOL: """GIT_DIR GIT_COMMON_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES
        GIT_EXEC_PATH GIT_TEMPLATE_DIR GIT_EDITOR GIT_SEQUENCE_EDITOR GIT_PAGER GIT_ASKPASS GIT_EXTERNAL_DIFF
        GIT_PROXY_COMMAND GIT_ALLOW_PROTOCOL EDITOR VISUAL PAGER MANPAGER BROWSER LESSOPEN LESSCLOSE LESSKEY SSH_ASKPASS
        SSH_ASKPASS_REQUIRE SUDO_ASKPASS SUDO_EDITOR TERMINFO TERMINFO_DIRS TERMCAP MAKEFLAGS MFLAGS MAKEFILES CC CXX
        RUSTC RUSTC_WRAPPER RUSTFLAGS GOFLAGS MAVEN_OPTS GRADLE_OPTS ANT_OPTS NPM_CONFIG_SCRIPT_SHELL
        NPM_CONFIG_NODE_OPTIONS NPM_CONFIG_USERCONFIG NPM_CONFIG_GLOBALCONFIG NPM_CONFIG_PREFIX KUBECONFIG
        NPM_CONFIG_GIT NPM_CONFIG_EDITOR NPM_CONFIG_VIEWER NPM_CONFIG_SHELL NPM_CONFIG_NODE_GYP NPM_CONFIG_PYTHON
        NPM_CONFIG_INIT_MODULE YARN_YARN_PATH YARN_RC_FILENAME YARN_PLUGINS PIP_CONFIG_FILE ANSIBLE_CONFIG
        AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE BOTO_CONFIG CLOUDSDK_PYTHON CLOUDSDK_CONFIG DOCKER_CONFIG
        KUBECTL_EXTERNAL_DIFF TAR_OPTIONS LESS RSYNC_RSH CVS_RSH SVN_SSH HGRCPATH HGEDITOR VIMINIT EXINIT MYVIMRC
        PSQLRC PSQL_EDITOR PSQL_PAGER PGSERVICEFILE PGSYSCONFDIR MYSQL_HOME ODBCSYSINI ODBCINI TNS_ADMIN KRB5_CONFIG
        CURL_HOME WGETRC INPUTRC SSLKEYLOGFILE GCC_EXEC_PREFIX COMPILER_PATH MAVEN_ARGS SBT_OPTS CATALINA_OPTS
        RUSTC_WORKSPACE_WRAPPER RUSTDOC CARGO_BUILD_RUSTC CARGO_BUILD_RUSTC_WRAPPER GRADLE_USER_HOME""",
    _HOME: "HOME TMPDIR TMP TEMP XDG_CONFIG_HOME XDG_CONFIG_DIRS XDG_DATA_HOME XDG_DATA_DIRS XDG_RUNTIME_DIR",
}
_EXACT = {name: reason for reason, names in _WORDS.items() for name in names.split()}


@dataclass(frozen=True, slots=True)
class Chosen:
    """Items by the name that the command will see, and those passed over because no variable can have their name."""

    values: Mapping[str, bytes] = field(repr=False)
    skipped: tuple[str, ...] = ()


def refusal(name: str) -> str | None:
    """Why a variable of this name is never set from a secret; None if it may be. Case is ignored: some tools do."""
    upper = name.upper()
    return _EXACT.get(upper) or next((why for prefix, why in _PREFIXES.items() if upper.startswith(prefix)), None)


def choose(items: Mapping[str, bytes], *, only: Sequence[str], prefix: str, as_files: bool) -> Chosen:
    """The items that the command will see, named with `prefix`. Raises UsageError, NameRefused or Refused."""
    missing = [key for key in only if key not in items]
    if missing:
        there = ", ".join(sorted(items)) or "none"
        raise UsageError(f"--only {missing[0]}: there is no such item; there are: {there}")
    wanted = {f"{prefix}{key}": value for key, value in items.items() if not only or key in only}
    if as_files:
        return Chosen({check_item(name): value for name, value in wanted.items()})
    if prefix and not _NAME.fullmatch(prefix):
        raise UsageError(f"--prefix {prefix}: no variable can begin so", way_out="use letters, digits and _")
    values = {name: value for name, value in wanted.items() if _NAME.fullmatch(name)}
    for name, value in values.items():
        _check(name, value, prefix)
    return Chosen(values, tuple(key for key in wanted if key not in values))


def _check(name: str, value: bytes, prefix: str) -> None:
    why = refusal(name)
    if why:
        raise Refused(
            f"a secret never sets {name}: it {why}",
            way_out=f"--only with the items that you need, {'another' if prefix else 'a'} --prefix, or --files",
        )
    if b"\0" in value:
        raise Refused(f"{name} holds a NUL byte, which no variable can", way_out="--files")


def environment(
    parent: Mapping[str, str], chosen: Mapping[str, str], *, preserve: bool, added: Iterable[tuple[str, str]] = ()
) -> dict[str, str]:
    """The command's environment: the parent's without our own settings, the secrets on top (with `preserve` below)."""
    kept = {name: value for name, value in parent.items() if not name.startswith(OURS)}
    return ((dict(chosen) | kept) if preserve else (kept | dict(chosen))) | dict(added)
