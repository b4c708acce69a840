"""What servers run that have your secrets, once it is pushed."""

from __future__ import annotations

from init.guard.rules.rule import Rule

RULES = (
    Rule("the CI server runs it once it is pushed", """
        .github/workflows/** .github/actions/** .gitlab-ci.yml .gitlab-ci.yaml .gitlab/ci/** .circleci/**
        Jenkinsfile azure-pipelines.yml bitbucket-pipelines.yml .travis.yml .drone.yml .drone.yaml
        .woodpecker.yml .woodpecker.yaml .woodpecker/** .buildkite/** .gitea/workflows/**
        .forgejo/workflows/** appveyor.yml .appveyor.yml cloudbuild.yaml .teamcity/** .cirrus.yml
        .semaphore/** .builds/* buildspec.yml bitrise.yml azure-pipelines.yaml .azure-pipelines/**
        .readthedocs.yaml .readthedocs.yml netlify.toml vercel.json .gitpod.yml .replit"""),
)  # fmt: skip
