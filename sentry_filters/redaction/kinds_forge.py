"""Tokens of code forges, package indexes and build services."""

from __future__ import annotations

from .kinds import Kind

__all__ = ["FORGE_KINDS"]

_BODY = "Zq8vT1mB4xK7pL2wN9sRaHcJdFeG3yU5iO0b"  # invented, and long enough for every token below

_GITHUB = {"ghp_": "personal access", "gho_": "OAuth", "ghu_": "user-to-server", "ghs_": "server", "ghr_": "refresh"}
_GITLAB = {
    "glpat-": "personal access", "gldt-": "deploy", "glrt-": "runner authentication", "glrtr-": "runner",
    "glcbt-": "CI job", "glptt-": "pipeline trigger", "glft-": "feed", "glimt-": "incoming mail",
    "glagent-": "agent", "gloas-": "OAuth application", "glsoat-": "SCIM", "glffct-": "feature-flags client",
    "glwt-": "workspace",
}

FORGE_KINDS: tuple[Kind, ...] = (
    *(
        Kind(f"github-{prefix[:3]}", prefix + "[A-Za-z0-9_]{16,}", prefix, f"GitHub {what} tokens",
             (prefix, _BODY), (prefix, "token"))
        for prefix, what in _GITHUB.items()
    ),
    Kind("github-pat", r"github_pat_[A-Za-z0-9_]{20,}", "github_pat_", "GitHub fine-grained access tokens",
         ("github_", "pat_", "11", _BODY), ("github_", "pat_", "name")),
    *(
        Kind(f"gitlab-{prefix[:-1]}", prefix + r"[A-Za-z0-9_\-.=]{16,}", prefix, f"GitLab {what} tokens",
             (prefix, _BODY[:20]), (prefix, "x"))
        for prefix, what in _GITLAB.items()
    ),
    Kind("gitlab-runner", r"GR1348941[A-Za-z0-9_\-]{16,}", "GR1348941", "GitLab runner registration tokens",
         ("GR13", "48941", _BODY[:20]), ("GR13", "48941")),
    Kind("gitlab-session", r"_gitlab_session=([A-Za-z0-9]{16,})", "_gitlab_session=", "GitLab session cookies",
         ("_gitlab_", "session=", _BODY), ("_gitlab_", "session=", "x")),
    Kind("bitbucket", r"ATBB[A-Za-z0-9_=.\-]{20,}", "ATBB", "Bitbucket app passwords",
         ("ATBB", _BODY), ("ATBB", "x")),
    Kind("atlassian", r"AT(?:ATT|CTT)3[A-Za-z0-9_=.\-]{20,}", "TT3", "Atlassian API tokens",
         ("ATATT", "3xFfGF0", _BODY), ("ATATT", "3x")),
    Kind("gitea-azure-devops", r"[a-z0-9]{52}AZDO[A-Za-z0-9]{4,}", "AZDO", "Azure DevOps personal access tokens",
         ("zq8vt1mb4xk7pl2wn9srahcjdfeg3yu5io0bzq8vt1mb4xk7pl2w", "AZDO", "a1b2"), ("zq8v", "AZDO", "a1b2")),
    Kind("npm", r"npm_[A-Za-z0-9]{30,}", "npm_", "npm access tokens", ("npm_", _BODY), ("npm_", "config_registry")),
    Kind("npm-auth", r"_auth(?:Token|)\s*=\s*([A-Za-z0-9+/=_\-]{8,})", "_auth", "credentials of an .npmrc line",
         ("//registry.example/:_auth", "Token=", _BODY), ("//registry.example/:_auth", "Token=", "${TOKEN}")),
    Kind("pypi", r"pypi-A[A-Za-z0-9_\-]{20,}", "pypi-A", "PyPI upload tokens",
         ("pypi-", "AgEIcHlwaS5vcmcC", _BODY), ("pypi-", "AgE")),
    Kind("rubygems", r"rubygems_[a-f0-9]{32,}", "rubygems_", "RubyGems API keys",
         ("rubygems_", "0f3a9c5e7b1d2f4a6c8e0b2d4f6a8c0e0f3a9c5e7b1d2f4a"), ("rubygems_", "version")),
    Kind("cargo", r"cio[A-Za-z0-9]{32}\b", "cio", "crates.io tokens",
         ("cio", _BODY[:32]), ("cio", _BODY[:20])),
    Kind("clojars", r"CLOJARS_[A-Za-z0-9]{40,}", "CLOJARS_", "Clojars deploy tokens",
         ("CLOJARS_", "0f3a9c5e7b1d2f4a6c8e0b2d4f6a8c0e0f3a9c5e7b1d2f4a6c8e0b2d4f6a"), ("CLOJARS_", "user")),
    Kind("nuget", r"oy2[a-z0-9]{43}\b", "oy2", "NuGet API keys",
         ("oy2", "zq8vt1mb4xk7pl2wn9srahcjdfeg3yu5io0bvtxz6qw"), ("oy2", "zq8v")),
    Kind("docker-pat", r"dckr_(?:pat|oat)_[A-Za-z0-9_\-]{20,}", "dckr_", "Docker Hub access tokens",
         ("dckr_", "pat_", _BODY), ("dckr_", "pat_", "x")),
    Kind("docker-swarm", r"SWM(?:TKN|KEY)-1-[A-Za-z0-9+/\-]{16,}", "SWM", "Docker Swarm join tokens and unlock keys",
         ("SWM", "TKN-1-", _BODY), ("SWM", "TKN-1")),
    Kind("jfrog", r"AKCp[A-Za-z0-9]{20,}", "AKCp", "Artifactory API keys", ("AKCp", "8", _BODY), ("AKCp", "8")),
    Kind("jfrog-identity", r"cmVmdGtuO[A-Za-z0-9+/=]{16,}", "cmVmdGtuO", "Artifactory identity tokens",
         ("cmVmdGtu", "OjAxOjE3", _BODY), ("cmVmdGtu", "Oj")),
    Kind("circleci", r"CCI(?:PAT|PRJ)_[A-Za-z0-9_]{20,}", "CCIP", "CircleCI tokens",
         ("CCI", "PAT_", _BODY), ("CCI", "PAT_")),
    Kind("buildkite", r"bk(?:ua|aj|pt|ct|at)_[A-Za-z0-9]{20,}", "bk", "Buildkite tokens",
         ("bk", "ua_", _BODY), ("bk", "ua_x")),
    Kind("sonar", r"sq[upa]_[A-Za-z0-9]{30,}", "sq", "SonarQube tokens",
         ("sq", "p_", "0f3a9c5e7b1d2f4a6c8e0b2d4f6a8c0e0f3a9c5e"), ("sq", "p_", "0f3a")),
    Kind("sourcegraph", r"sgp_(?:[A-Za-z0-9]+_)?[a-f0-9]{32,}", "sgp_", "Sourcegraph access tokens",
         ("sgp_", "0f3a9c5e7b1d2f4a6c8e0b2d4f6a8c0e0f3a9c5e"), ("sgp_", "0f3a")),
    Kind("pulumi", r"pul-[A-Za-z0-9]{30,}", "pul-", "Pulumi access tokens",
         ("pul-", "0f3a9c5e7b1d2f4a6c8e0b2d4f6a8c0e0f3a9c5e"), ("pul-", "0f3a")),
    Kind("terraform", r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=\-]{40,}", ".atlasv1.", "Terraform Cloud tokens",
         (_BODY[:14], ".atlasv1.", _BODY, _BODY), (_BODY[:14], ".atlasv1.", "x")),
    Kind("vercel", r"vc[pkitra]_[A-Za-z0-9]{20,}|vck_[A-Za-z0-9]{16,}", "vc", "Vercel tokens", ("vc", "k_", _BODY), ("vc", "k_x")),
    Kind("heroku", r"HRKU-[A-Za-z0-9_\-]{30,}", "HRKU-", "Heroku API keys", ("HRKU-", _BODY), ("HRKU-", "x")),
    Kind("fly", r"fo1_[A-Za-z0-9_\-]{20,}|fm[12][a-z]?_[A-Za-z0-9+/=_\-,]{40,}", "f", "Fly.io tokens",
         ("fo", "1_", _BODY), ("fo", "1_x")),
    Kind("launchdarkly", r"(?:sdk|mob|api)-[a-f0-9]{8}-[a-f0-9]{4}-4[a-f0-9]{3}-[a-f0-9]{4}-[a-f0-9]{12}", "-4",
         "LaunchDarkly SDK, mobile and API keys",
         ("sdk-", "5f0c9d1e-2b3a-4c5d-8e6f-7a8b9c0d1e2f"), ("sdk-", "5f0c9d1e")),
)
