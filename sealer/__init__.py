"""Shared core of the toolchain, and the `sealer` command. Imports neither `controller` nor `hooks`."""
