"""The functions that templates may call: those of text/template and of Sprig 3.3, less three.

Left out as in Bitnami's controller: what reads the environment or asks the network (`env`, `expandenv`,
`getHostByName`). A module is imported when one of its names is used.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sealer.template.values import Function

_MODULES = {
    "builtins": "and or not len index print printf println html js urlquery call eq ne lt le gt ge",
    "strings": (
        "hello trim trimAll trimall trimPrefix trimSuffix trunc substr repeat nospace initials contains hasPrefix"
        " hasSuffix quote squote cat replace plural toString"
    ),
    "casing": "upper lower title untitle swapcase snakecase camelcase kebabcase",
    "wrapping": "indent nindent abbrev abbrevboth wrap wrapWith",
    "splitting": "split splitList splitn join sortAlpha toStrings",
    "lists": (
        "list tuple first mustFirst rest mustRest last mustLast initial mustInitial append mustAppend push mustPush"
        " prepend mustPrepend reverse mustReverse uniq mustUniq without mustWithout has mustHas slice mustSlice concat"
        " chunk mustChunk compact mustCompact until untilStep seq"
    ),
    "dicts": (
        "dict get set unset hasKey pluck keys pick omit merge mergeOverwrite mustMerge mustMergeOverwrite values dig"
        " deepCopy mustDeepCopy"
    ),
    "math": (
        "add add1 sub div mod mul add1f addf subf divf mulf max biggest min maxf minf ceil floor round randInt atoi int"
        " int64 float64 toDecimal"
    ),
    "random": "shuffle randAlphaNum randAlpha randAscii randNumeric",
    "dates": (
        "now ago date date_in_zone dateInZone date_modify dateModify must_date_modify mustDateModify duration"
        " durationRound htmlDate htmlDateInZone toDate mustToDate unixEpoch"
    ),
    "encoding": (
        "b64enc b64dec b32enc b32dec fromJson mustFromJson toJson mustToJson toPrettyJson mustToPrettyJson toRawJson"
        " mustToRawJson sha1sum sha256sum sha512sum adler32sum"
    ),
    "crypto": "bcrypt htpasswd derivePassword encryptAES decryptAES randBytes uuidv4",
    "certificates": (
        "genPrivateKey buildCustomCert genCA genCAWithKey genSelfSignedCert genSelfSignedCertWithKey genSignedCert"
        " genSignedCertWithKey"
    ),
    "versions": "semver semverCompare",
    "regexps": (
        "regexMatch mustRegexMatch regexFind mustRegexFind regexFindAll mustRegexFindAll regexReplaceAll"
        " mustRegexReplaceAll regexReplaceAllLiteral mustRegexReplaceAllLiteral regexSplit mustRegexSplit"
        " regexQuoteMeta"
    ),
    "paths": "base dir clean ext isAbs osBase osDir osClean osExt osIsAbs urlParse urlJoin",
    "flow": "default empty coalesce all any ternary fail typeOf typeIs typeIsLike kindOf kindIs deepEqual",
}
MODULES = {name: module for module, names in _MODULES.items() for name in names.split()}
"""The module of each function."""


@cache
def find(name: str) -> Function:
    """A function by its name, which must be one of MODULES."""
    module = import_module(f"sealer.template.functions.{MODULES[name]}")
    found: Function = module.TABLE[name]
    return found


def is_function(name: str) -> bool:
    """Whether templates know a function of this name."""
    return name in MODULES
