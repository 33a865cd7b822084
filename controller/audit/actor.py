"""Who acts: the user id, the machine, and in a CI job what that CI itself says of the job.

Only variables that name a person, a job or a commit are taken: none that can hold a token, and no URL, which could
hold a password. They are what the environment says, not proof.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sealer.formats.wire import canonical_json

_LONGEST = 200
# Each CI by the variable that says that it runs, with those that name the job.
_SYSTEMS: Mapping[str, tuple[str, ...]] = {
    "GITHUB_ACTIONS": (
        "GITHUB_REPOSITORY", "GITHUB_WORKFLOW", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT", "GITHUB_JOB", "GITHUB_ACTOR",
        "GITHUB_TRIGGERING_ACTOR", "GITHUB_EVENT_NAME", "GITHUB_REF", "GITHUB_SHA",
    ),
    "GITLAB_CI": (
        "CI_PROJECT_PATH", "CI_PIPELINE_ID", "CI_PIPELINE_SOURCE", "CI_JOB_ID", "CI_JOB_NAME", "GITLAB_USER_LOGIN",
        "CI_COMMIT_REF_NAME", "CI_COMMIT_SHA", "CI_ENVIRONMENT_NAME",
    ),
    "JENKINS_URL": ("JOB_NAME", "BUILD_NUMBER", "BUILD_TAG", "BUILD_USER_ID", "NODE_NAME", "BRANCH_NAME", "GIT_COMMIT"),
    "BUILDKITE": (
        "BUILDKITE_ORGANIZATION_SLUG", "BUILDKITE_PIPELINE_SLUG", "BUILDKITE_BUILD_NUMBER", "BUILDKITE_JOB_ID",
        "BUILDKITE_BUILD_CREATOR", "BUILDKITE_BRANCH", "BUILDKITE_COMMIT",
    ),
    "CIRCLECI": (
        "CIRCLE_PROJECT_USERNAME", "CIRCLE_PROJECT_REPONAME", "CIRCLE_BUILD_NUM", "CIRCLE_JOB", "CIRCLE_USERNAME",
        "CIRCLE_WORKFLOW_ID", "CIRCLE_BRANCH", "CIRCLE_SHA1",
    ),
    "TF_BUILD": (
        "SYSTEM_TEAMPROJECT", "BUILD_DEFINITIONNAME", "BUILD_BUILDID", "BUILD_REQUESTEDFOR", "BUILD_REASON",
        "SYSTEM_JOBID", "BUILD_SOURCEBRANCH", "BUILD_SOURCEVERSION",
    ),
    "BITBUCKET_BUILD_NUMBER": (
        "BITBUCKET_REPO_FULL_NAME", "BITBUCKET_BUILD_NUMBER", "BITBUCKET_STEP_TRIGGERER_UUID",
        "BITBUCKET_DEPLOYMENT_ENVIRONMENT", "BITBUCKET_BRANCH", "BITBUCKET_COMMIT",
    ),
    "TEAMCITY_VERSION": ("TEAMCITY_PROJECT_NAME", "TEAMCITY_BUILDCONF_NAME", "BUILD_NUMBER", "BUILD_VCS_NUMBER"),
    "DRONE": (
        "DRONE_REPO", "DRONE_BUILD_NUMBER", "DRONE_BUILD_EVENT", "DRONE_BUILD_TRIGGER", "DRONE_COMMIT_AUTHOR",
        "DRONE_BRANCH", "DRONE_COMMIT_SHA",
    ),
    "TRAVIS": (
        "TRAVIS_REPO_SLUG", "TRAVIS_BUILD_ID", "TRAVIS_JOB_ID", "TRAVIS_EVENT_TYPE", "TRAVIS_BRANCH", "TRAVIS_COMMIT",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Actor:
    """Encoded once; a log writes the same for every record."""

    node: str
    json: str
    node_json: str

    @classmethod
    def of(cls, uid: int, ci: Mapping[str, str], node: str) -> Actor:
        """An actor of these facts. Names and texts are made printable and short."""
        value: dict[str, Any] = {"uid": uid, "ci": {name: printable(text) for name, text in ci.items() if text}}
        node = printable(node)
        return cls(node, canonical_json(value).decode("ascii"), canonical_json(node).decode("ascii"))

    @classmethod
    def current(cls) -> Actor:
        """Who runs this process."""
        return cls.of(os.getuid(), variables(os.environ), os.uname().nodename)


def variables(environment: Mapping[str, str]) -> dict[str, str]:
    """What the CI says of this job; empty outside one."""
    found: dict[str, str] = {}
    for sign, names in _SYSTEMS.items():
        if environment.get(sign):
            found |= {name: environment[name] for name in names if environment.get(name)}
            break
    return found


def printable(text: str) -> str:
    """`text`, short and with nothing in it that could move a cursor or begin a line."""
    shown = text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"
