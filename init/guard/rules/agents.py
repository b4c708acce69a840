"""What coding agents on the host run of a folder."""

from __future__ import annotations

from init.guard.rules.rule import Rule

RULES = (
    Rule("a coding agent runs hooks, servers or commands that it names", """
        .mcp.json mcp.json .claude/** .claude-plugin/** .cursor/** .gemini/** .codex/** .opencode/**
        opencode.json opencode.jsonc .omp/** .windsurf/** .roo/** .kiro/** .continue/** .amazonq/**
        .crush.json crush.json .aider.conf.yml .factory/** .qwen/** .agents/** .github/hooks/*
        .clinerules/hooks/** .kilocode/** .junie/** .trae/** .amp/** .augment/** .copilot/** .github/agents/*
        .github/copilot/** .github/extensions/** .grok/** .iflow/** .openhands/** .pi/** .vibe/**
        .kimi-code/** .kimi-plugin/**"""),
)  # fmt: skip
