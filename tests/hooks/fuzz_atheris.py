"""A longer run than the tests make: coverage leads the input through decoding, archives, detectors and reports.

    make fuzz              # installs atheris: a wheel for CPython 3.11 and 3.12 on Linux; it is no dependency of ours
    python -m tests.hooks.fuzz_atheris [FOLDER-OF-INPUTS] -max_total_time=600 -rss_limit_mb=4096

What it holds is what tests/hooks/test_fuzz.py holds: nothing raises, and nothing shows a planted value. An input that
does not is written to `crash-*`; to run one again, name it in place of the folder.
"""

from __future__ import annotations

import sys

VALUE = b"q7Zt1Xw9Kd3Vn5Rb8Ym2Lc4H"
PATHS = ("s.yaml", ".env", "a.py", "a.json", "kustomization.yaml", "README.md", "a.tf", "stdin", "values.yaml.tpl")
PREFIXES = ("", "sk_" + "live_", "gh" + "p_", "AK" + "IA", "-----BEGIN " + "PRIVATE KEY-----\n")


def main() -> int:
    """Run until the time is over, or something is found."""
    try:
        import atheris  # type: ignore[import-not-found]
    except ImportError:
        print("atheris is not installed: pip install atheris", file=sys.stderr)
        return 2
    with atheris.instrument_imports(include=["hooks", "sealer.documents"]):
        from hooks import archive, decode, detect, scanner, structure  # noqa: F401
        from hooks.blobs import Blob
    from tests.hooks import planted

    def one(data: bytes) -> None:
        path, prefix = PATHS[data[0] % len(PATHS)], PREFIXES[data[1] % len(PREFIXES)] if data[1:] else ""
        # An `@@` of the input is where the value stands; what the fuzzer makes of the rest has no share in it.
        text = data[2:].replace(b"@@", prefix.encode() + VALUE)
        for blob in (Blob(path, text), *archive.members(Blob("o.zip", data[2:]))):
            findings = scanner.scan(blob)
            if findings:
                named = planted.leaks(VALUE.decode(), planted.shown(findings))
                if named:
                    raise AssertionError(f"shown: {named}")

    atheris.Setup(sys.argv, lambda data: one(data) if data else None)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
