"""Commands, statements and files that carry a password in a place of its own, without a word beside it."""

from __future__ import annotations

from sentry_filters.redaction.catalogue.kind import Listed as Kind

_GAP = r"(?:[ \t]|\\+t)+"
_ARGUMENTS = rf"(?:{_GAP}[^\n|;&]*?)?{_GAP}"
_QUOTE = r"\\*[\"']?"
_VALUE = r"([^\s\"'|;&<>-][^\s\"'|;&<>]{3,})"

# An option, or a place, that holds the password of these commands and means something else in others.
_PLACES = (
    ("sshpass", rf"-p(?:{_GAP})?"),
    ("mysql(?:dump|admin|import|check|show)?|mariadb(?:-dump)?|mycli", "-p"),
    ("mongo(?:sh|dump|restore|export)?|cqlsh|clickhouse-client|influx|pgcli", f"-p{_GAP}"),
    (f"(?:docker|podman|nerdctl|helm|oras|az|oc|skopeo|crane){_GAP}(?:registry{_GAP})?login", f"-p{_GAP}"),
    ("redis-cli|valkey-cli|keydb-cli", f"-a{_GAP}"),
    ("ldap(?:search|add|modify|delete|whoami|passwd)", f"-w{_GAP}"),
    ("sqlcmd|bcp|unzip|zip", f"-P{_GAP}"),
    ("7za?", "-p"),
    ("keytool|jarsigner", f"-(?:store|key|srcstore|deststore)pass{_GAP}"),
    ("smbclient|rpcclient", rf"-U(?:{_GAP})?[^\s%\"']+%"),
    ("htpasswd", rf"-[A-Za-z]*b[A-Za-z]*{_GAP}\S+{_GAP}\S+{_GAP}"),
    (f"net{_GAP}use", rf"/user:\S+{_GAP}"),
    ("snmp(?:get|set|walk|bulkwalk)", f"-[AX]{_GAP}"),
    (f"aws{_GAP}configure{_GAP}set", rf"aws_se\S+{_GAP}"),
    ("wpa_passphrase", rf"\S+{_GAP}"),
    ("rabbitmqctl", rf"(?:add_user|change_password){_GAP}\S+{_GAP}"),
)

COMMAND_KINDS: tuple[Kind, ...] = (
    Kind(
        "command-password",
        "|".join(rf"(?:{commands}){_ARGUMENTS}{place}{_QUOTE}{_VALUE}" for commands, place in _PLACES),
        "",
        "passwords given to commands by options with names of one letter",
    ),
    Kind(
        "openssl-pass",
        rf"-(?:pass|passin|passout){_GAP}pass:([^\s\"']{{3,}})",
        "pass:",
        "passwords given to openssl",
    ),
    Kind(
        "piped-password",
        rf"echo{_GAP}(?:-n{_GAP})?{_QUOTE}{_VALUE}{_QUOTE}{_GAP}\|[^\n|]*"
        r"(?:-stdin\b|sudo[^\n|]*[ \t]-[A-Za-z]*S\b|chpasswd)",
        "echo",
        "passwords that are piped into a command",
    ),
    Kind(
        "oracle-password",
        r"jdbc:oracle:[a-z]+:[^/\s\"']+/([^\s@/\"']+)@",
        "jdbc:oracle",
        "passwords in Oracle's URLs",
    ),
    Kind(
        "sql-identified",
        rf"(?i:identified(?:{_GAP}with{_GAP}[\w'\"]+)?{_GAP}by(?:{_GAP}(?:password|values))?){_GAP}"
        rf"{_QUOTE}([^\s\"';]{{3,}})",
        "",
        "passwords in SQL's statements about users",
    ),
    Kind(
        "auth-command",
        rf"AUTH{_GAP}(?:(?:PLAIN|LOGIN|XOAUTH2|default){_GAP})?"
        r"([A-Za-z][A-Za-z0-9+/=_\-.!@#$%^&*]*[0-9][A-Za-z0-9+/=_\-.!@#$%^&*]{4,}"
        r"|[A-Za-z0-9+/=_\-]*[a-z][A-Z]+[a-z][A-Za-z0-9+/=_\-]{8,})",
        "AUTH",
        "passwords in the protocols of Redis, SMTP and IMAP",
    ),
    Kind(
        "redis-handshake",
        rf"(?i:hello){_GAP}[23]{_GAP}(?i:auth){_GAP}{_QUOTE}[^\s\"']+{_QUOTE}{_GAP}{_QUOTE}([^\s\"']+)"
        rf"|(?i:acl){_GAP}(?i:setuser){_GAP}[^\n\"']*?{_GAP}[>#]([^\s\"']+)",
        "",
        "passwords with which clients of Redis begin a connection, and those of its users",
    ),
    Kind(
        "redis-config",
        rf"(?:requirepass|masterauth){_GAP}\\*\"?([^\s\"]{{3,}})",
        "",
        "passwords in Redis' configuration",
    ),
    Kind(
        "netrc",
        r"machine(?:\s|\\+[nrt])+\S+(?:\s|\\+[nrt])+login(?:\s|\\+[nrt])+\S+(?:\s|\\+[nrt])+password"
        r"(?:\s|\\+[nrt])+([^\s\"]+)",
        "machine",
        "passwords in .netrc",
    ),
    Kind(
        "pgpass",
        r"(?:5432|5433|6432):[\w*\-]+:[\w*\-.]+:([^\s:\"']{6,})",
        ":",
        "passwords in .pgpass",
    ),
    Kind(
        "digest-response",
        r"response=\\*\"([0-9a-f]{32,64})",
        "response=",
        "answers of Digest authentication",
    ),
    Kind(
        "oauth-code",
        r"(?:authorization_code|callback|redirect)[^\s\"'<>]*[?&]code=([A-Za-z0-9_\-.~/%]{12,})",
        "code=",
        "codes that OAuth exchanges for tokens",
    ),
    Kind(
        "password-hash",
        r"\$(?:2[abxy]|1|5|6|y|apr1|argon2(?:id?|d)|scrypt|pbkdf2[a-z0-9\-]*)\$[A-Za-z0-9./$=,+]{20,}",
        "$",
        "hashes of passwords, as files of users hold them",
    ),
)
