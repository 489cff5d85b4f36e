"""What a key indicates, grade by grade: the judgement that decides how a value is looked at."""

from __future__ import annotations

import pytest

from sentry_filters.redaction.keys import KeyJudge, Sensitivity, split_words

LONGEST = 128
GRADES = {
    Sensitivity.HARMLESS: """
        name max_tokens maxTokens tokens completion_tokens token_count next_token nextToken
        pagination_token public_key public_api_key api_public_key pub_client_key publicKey
        primary_key cache_key tab_key secret_name password_file password_length secret_api_url
        thinking_signature thought_signature.x key_of keyboard monkey auth_method authority
        session_count token_url_a a.key.type secretary pathPattern 12 _ keys_for_all
        auth_user_tokens session_value
    """,
    Sensitivity.POSSIBLE: """
        key keys KEY key_1 auth session sess sid signature x_signature dsn salt cookie_sess
        first_token last_token output_token password_for_the_cat secret_sauce token_sauce oauth_auth
        user_auth my_session authorization_x_dsn
    """,
    Sensitivity.LIKELY: """
        token TOKEN token_1 secret_id secretId my_secret_id acme_key acmeKey the_acme_key_2
        colour_keys acme_key_b64
    """,
    Sensitivity.SECRET: """
        secret client_secret api_key apiKey API-KEY api_key_1 api_key_b64 access_token
        refresh_tokens access_tokens session_token id_token github_token tokens_secret jwt
        basic_auth http_auth bearerAuth webhook_secret_value accesstoken myclientsecret acmeapikey
        pass_secret otp_a_b_secret cL-aPi-KeY secret_admin_x secret_7 secret_admin_header pass_key
        psk_text pat_default passphrase_secret proxy_auth digest_auth
    """,
    Sensitivity.PASSWORD: """
        password passwd db_password dbPassword DB_PASSWORD pgpassword MYSQL_PWD mysqlpwd pwd pass
        psk otp passphrase password_1 passwords.admin password_value senha kennwort pAsSwOrD
        passwd_b64 password_my secret_password password_secret password_hash_secret
    """,
    Sensitivity.HEADER: """
        authorization Authorization AUTHORIZATION proxy-authorization HTTP_AUTHORIZATION
        aUtHoRiZaTiOn x-forwarded-authorization authorization_2
    """,
    Sensitivity.COOKIE: """
        cookie cookies Cookie set-cookie Set-Cookie setCookie SET_COOKIE http_cookie cOoKiE
        cookie_12
    """,
}


@pytest.mark.parametrize("grade", GRADES, ids=lambda grade: grade.name)
def test_the_grade_of_a_key(grade: Sensitivity) -> None:
    judge = KeyJudge()
    keys = GRADES[grade].split()

    assert {key: judge(key).name for key in keys} == dict.fromkeys(keys, grade.name)
    assert {key: judge(key).name for key in keys} == dict.fromkeys(keys, grade.name), "from memory"


def test_the_grades_in_their_order() -> None:
    assert [grade.name for grade in sorted(Sensitivity)] == [
        "HARMLESS", "POSSIBLE", "LIKELY", "SECRET", "PASSWORD", "HEADER", "COOKIE", "CONTENT",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("apiKey", ("api", "key")),
        ("API_KEY", ("api", "key")),
        ("x-api-key", ("x", "api", "key")),
        ("HTTPServer2Key", ("http", "server", "2", "key")),
        ("", ()),
    ],
)
def test_the_words_of_a_key(key: str, expected: tuple[str, ...]) -> None:
    assert split_words(key) == expected


def test_a_key_that_is_too_long_for_a_name_is_harmless() -> None:
    judge = KeyJudge()

    assert judge("x" * (LONGEST - 7) + "_secret") is Sensitivity.SECRET
    assert judge("x" * (LONGEST - 6) + "_secret") is Sensitivity.HARMLESS
    assert judge("\ud800_secret") is Sensitivity.SECRET


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("gen_ai.input.messages", True),
        ("gen_ai.prompt.0.content", True),
        ("gen_ai.prompt", True),
        ("llm.prompts", True),
        ("input.value", True),
        ("gen_ai.prompt.0.role", False),
        ("gen_ai.usage.input_tokens", False),
        ("gen_ai.input.messages.count", False),
        ("gen_ai_input_messages", False),
        ("x.gen_ai.prompt", False),
        ("\ud800.prompts", False),
        ("a.b", False),
    ],
)
def test_prompts_are_content_where_the_policy_wants_none(key: str, expected: bool) -> None:
    assert (KeyJudge(content=True)(key) is Sensitivity.CONTENT) is expected
    assert KeyJudge()(key) is Sensitivity.HARMLESS
    assert (KeyJudge(content=True).judges_content, KeyJudge().judges_content) == (True, False)


def test_an_applications_own_keys_are_secret_and_its_kept_ones_harmless() -> None:
    judge = KeyJudge(keys=["tenant_seal", "x"], kept=["reset_token", "Cookie", "tenant_seal"])

    assert judge("acme_seal") is Sensitivity.HARMLESS
    assert judge("TENANT-SEAL") is Sensitivity.HARMLESS, "kept ones win"
    assert judge("x_2") is Sensitivity.SECRET
    assert judge("resetToken") is judge("cookie") is Sensitivity.HARMLESS
    assert KeyJudge(keys=["tenant_seal"])("tenantSeal3") is Sensitivity.SECRET


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"keys": "name"}, r"^invalid keys: 'name'; expected a list of names, not a text$"),
        ({"kept": b"name"}, r"^invalid kept_keys: b'name'; expected a list of names, not a text$"),
        ({"keys": ["a", "_"]}, r"^invalid keys: '_'; expected a name with a letter in it$"),
        ({"kept": [7]}, r"^invalid kept_keys: 7; expected a name with a letter in it$"),
    ],
)
def test_what_is_not_a_list_of_names_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        KeyJudge(**options)  # type: ignore[arg-type]


def test_harmless_keys_are_remembered_until_there_is_a_new_secret() -> None:
    judge = KeyJudge()
    harmless = judge.harmless
    longest = "n" * LONGEST
    harmless.add(["name", longest, longest + "n", "value", "val"])
    known, all_known = harmless.lookups()

    assert known("name")
    assert known(longest)
    assert not known(longest + "n")
    assert not known("value")
    assert all_known(["name", longest])
    assert not all_known(["name", "other"])
    harmless.forget()
    assert not harmless.lookups()[0]("name")
    assert known("name"), "who reads meanwhile is not disturbed"


def test_the_memories_are_bounded_and_start_anew() -> None:
    harmless = KeyJudge().harmless
    harmless.add(f"n{n}" for n in range(4_095))
    harmless.add(["last"])
    assert harmless.lookups()[0]("n0")
    harmless.add(["next"])
    assert not harmless.lookups()[0]("n0")
    assert harmless.lookups()[0]("next")

    judge = KeyJudge()
    for number in range(4_096):
        judge(f"n{number}")
    assert len(judge._memory) == 4_096
    judge("x" * (LONGEST + 1))
    assert len(judge._memory) == 4_096, "long ones are not remembered"
    judge("y" * LONGEST)
    assert list(judge._memory) == ["y" * LONGEST]
