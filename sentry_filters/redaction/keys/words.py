"""The words by which keys are judged, as data, each list with the reason for it."""

# ruff: noqa: SIM905 - words are read, and reviewed, as words

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# A key without one of these is harmless: the judge asks this first, and the passes over text look for exactly
# this, so that no pass can miss a key that another would judge. Long words may be inside longer ones
# (`pgpassword`, `accesstoken`); short ones only between boundaries (`pat` is not `path`), where a boundary is
# also the escape that serialised text writes for a line break, and the hump of camelCase.
_LEFT = r"(?:^|[^A-Za-z0-9]|\\[nrtbf]|\\u[0-9A-Fa-f]{4}|%[0-9A-Fa-f]{2}|[0-9])"
_RIGHT = r"(?:\b|[_0-9]|(?-i:[A-Z]))"
_SHORT = (
    "pats?|pass|psk|pw|psw|sid|sess|otp|totp|salt|dsn|hmac|jwt|auth|creds?|keys?|pkey|csrf|xsrf|bearer|cookies?"
    "|session"
)
_HUMPED = (
    "Pat|PAT|Psk|PSK|Pass|PASS|Pw|PW|Sid|SID|Otp|OTP|Dsn|DSN|Hmac|HMAC|Jwt|JWT|Auth|AUTH|Creds?|CREDS?|Keys?"
    "|KEYS?|Csrf|CSRF|Cookies?|Session"
)
_LONG = (
    r"pass(?:w(?:or)?d|phrase|code|wort)s?|kennwort|contrase(?:(?:n|\xc3\xb1|\\u00f1)a)?"
    r"|mot[ _\-]?de[ _\-]?passe|senha|wachtwoord|salasana|heslo|pwd|secret|credential"
    r"|mnemonic|client_?assertion|code_?verifier"
    r"|authorization|signature|sess(?:ion)?_?id|htpasswd|setcookie|cookie2|aspxauth|xoauth"
)
_KEYS = r"(?:api|access|private|secret|auth|signing|encryption|master|ssh)[^A-Za-z0-9\"]?keys?"
# `token_count` is in every record of an LLM call; a pattern that skips it saves a look at each.
_NO_COUNT = r"(?:\b|[^\Wc]|c(?:\b|[^\Wo]|o(?:\b|[^\Wu]|u(?:\b|[^\Wn]|n(?:\b|[^\Wt])))))"
_TOKEN = rf"token(?:\b|[0-9]|(?-i:[A-Z])|_{_NO_COUNT})"
_TOKENS = rf"{_TOKEN}|(?:access|auth|refresh|api|session|bearer|id|secret)[^A-Za-z0-9\"]?tokens"
KEY_WORD = f"(?:{_LONG}|{_TOKENS}|{_KEYS}|{_LEFT}(?:{_SHORT}){_RIGHT}|(?-i:[a-z](?:{_HUMPED})){_RIGHT})"

# OpenTelemetry's conventions old and new, Sentry's, OpenLLMetry's, OpenInference's, the AI SDK's: keys of
# prompts and completions. Counts, roles, models and finish reasons beside them stay.
CONTENT_KEY = (
    r"(?:gen_ai\.(?:(?:input|output|request|response)\.messages|system_instructions|prompt|completion"
    r"|tool\.(?:input|output|definitions|call\.(?:arguments|result))|response\.(?:text|tool_calls|object)"
    r"|request\.available_tools|event\.content|embeddings\.input|(?:user|assistant|system|tool|choice)\.message)"
    r"|ai\.(?:prompt|response\.(?:text|object|toolCalls)|toolCall\.(?:args|result)|input_messages|responses)"
    r"|llm\.(?:prompts?|completions?|input_messages|output_messages|request\.messages)"
    r"|traceloop\.entity\.(?:input|output)|(?:input|output)\.value|tool\.(?:parameters|output)|mcp\.tool\.result\.content)"
)
ABOUT_CONTENT = tuple(
    ".role .finish_reason .name .id .type .tool_call_id .length .count _tokens _id .template_id".split()
)

# In any spelling, as all names.
HEADERS = _words("""
    authorization proxy-authorization x-authorization http-authorization http-proxy-authorization
    x-forwarded-authorization x-original-authorization
""")
COOKIES = _words("cookie cookies set-cookie http-cookie setcookie set-cookies http-set-cookie")

PASSWORDS = _words("""
    contrase heslo kennwort motdepasse otp pass passcode passe passphrase passwd password passwords passwort
    psk psw pw pwd salasana senha totp wachtwoord
""")
SECRETS = _words("""
    accesskey apikey apikeys aspxauth assertion authkey bearer cred credential credentials creds csrf hmac
    htpasswd jsessionid jwt masterkey mnemonic pat pats phpsessid pkey privatekey secret secretkey secrets
    sessid sessionid sshkey verifier xoauth xsrf
""")
# The end of a word that was written together; with these the value is a password, which may be a number.
PASSWORD_ENDINGS = ("password", "passwd", "pwd")
SECRET_ENDINGS = (
    *PASSWORD_ENDINGS,
    *"""
    passphrase passcode secret apikey secretkey accesskey privatekey authkey token credential credentials
    signingkey encryptionkey sessid
    """.split(),
)
# At the end of a key: a secret, or something about one.
AMBIGUOUS = _words("auth authorization cookie cookies dsn salt sess session sid signature")
# Before `signature`: by which a model's service knows its own reasoning again.
OF_THOUGHT = _words("thinking thought thoughts reasoning")
# Before `auth` at the end of a key.
AUTH_SCHEMES = _words("basic bearer digest http proxy")

# Behind a secret word: the value is still the secret itself.
NEUTRAL = _words("""
    admin api app auth b64 backup base base64 bot bytes client content credential credentials current data
    db decrypted default dev encoded encrypted env header headers hex input key keys live local main my new
    old override param parameter pass password plain plaintext prev previous primary prod production raw
    root secondary secret secrets server service staging str string temp test text tmp token tokens user val
    value values var
""")
# Behind a secret word: the value describes the secret.
ABOUT = _words("""
    accessor age alg algorithm arn at attempts audience available average avg backend bits breakdown bucket
    buckets budget cache cached callback chain change changed check checker class cmd column columns command
    complexity config configuration cost count counter counts create created creation date delete
    description detail details digest dir directory disabled domain duration embedding embeddings enabled
    endpoint error errors estimate estimated estimator exists exp expiration expired expires expiry field
    fields file filename files fingerprint format found function generate generated generation generator
    group groups handler hash helper hint hints holder host hours id ids index info interval invalid issuer
    kind label labels last len length level limit limits location logprob logprobs lookup map mapping mask
    masks max message meta metadata method min minutes missing mode modified mount ms msg name names
    namespace offset offsets option options owner param_name parser path paths pattern per percent
    percentage placeholder plugin policies policy port position positions prefix present price processor
    prompt provider providers provisioner question rate ratio ref reference refs regex region remaining
    request requests required requirements reset resolver response responses retries retry ring role roles
    rotate rotation row rows rule rules savings schema scheme scope scopes seconds set settings size sizes
    source sources spec speed state statistics stats status storage store strategy stream streaming strength
    suffix sum support supported table throughput time timestamp title total ttl type types unit units
    update updated uri url urls usage used valid validate validation validator verification verified verify
    version versions vocab vocabulary volume window
""")
# Before `token`: a piece of text, or a marker of a tokenizer.
NO_TOKEN = _words("""
    accepted assistant audio begin bos bytes cached cancellation cls completion context css current cursor
    decoded design each end eos eot every first generated grammar image input last lex logit mask max min n
    nth num number output pad per predicted prediction prompt punct reasoning rejected role sep special
    speech start stop sub syntax system text th thinking to tool top total unk video word
""")
# Before `tokens`: credentials, not a count of pieces of text.
TOKENS = _words("access api auth bearer id refresh secret session")
# Before `token`: a place in a list.
PAGINATION = _words("continuation continue next offset page pagination prev previous resume skip sync")
# Before `key`: it identifies something, or opens a door of another kind.
IDENTIFYING = _words("""
    a alt answer any area arrow attr attribute bag blob bucket cache cell child chunk cluster
    column composite config contact context control conversation correlation counter country ctrl cursor
    data database date db dedup dedupe deduplication delete dict doc document down end enter entity entry
    escape event external facet feature field file filter flag foreign function group grouping hash header
    high home host hot i18n id idempotency index input internal invite issue item job join json keyboard
    kind known kv label lead left legend limit limiter locale lock lookup low major map member merge message
    meta metric metrics minor missing model musical mutex name natural node object of order org organisation
    organization output page param parameter parent partition permission piano pivot policy press primary
    product project prop property pub public queue quick range rate record recv redis region request resource
    response right role route routing row s3 schedule scope search segment semaphore sentry series shard
    shift short sku sort sorting space span state storage story stream surrogate tab table tag task team
    template tenant the this thread ticket time topic trace translation tree trial type unique up usage
    variant vector verify wait with workflow wrong xml yaml zone
""")
# Before `key`: it is a secret, whoever named it.
STRENGTHENING = _words("""
    access account activation admin api app application auth authentication cipher client consumer crypto
    decrypt decryption deploy encrypt encryption gpg hmac ingest ingestion instrumentation integration jwt
    licence license logged master pgp private read recovery rsa sdk secret security server service session
    shared sign signature signing ssh ssl storage subscription tls unlock webhook write
""")
# Names of fields that hold a name, beside one that holds its value.
NAMING = ("name", "key", "header", "field", "param", "parameter", "variable", "var", "option", "Name", "Key")
# And of those beside them that hold the value.
VALUING = frozenset(("value", "Value", "val", "secret_value"))

# Names of what is generated and no secret: ids, digests, places in a list, states, payloads, builds.
IDENTITIES = _words("""
    account activity actor address advisory after agent album alias anchor answer archive arn article
    artifact asset assistant attachment attempt attr attribute author avatar backup baggage base batch bbox
    before binary blob block bloom blurhash board book boot boundary branch bucket build buildid bundle
    cache call callback canary car card cart case category cert certificate cf chain channel charge chart
    chat check checkpoint checksum child chunk cid cipher ciphertext class client cluster code codec color
    colour column comment commit completion component computation config connection container context
    continuation conversation coordinate copy core correlation count coupon cover crc cursor customer cve
    database dataset date debugid delta deployment desc description descriptor device dialog diff digest
    dimension dir directory disk doc document domain download draft ean edge edition embedding encoding end
    entity env environment error etag event exception execution experiment export extension feature feed
    figure file filename filter fingerprint flag flow folder font form format fragment frame function gcl
    geohash ghsa gist glyph graph group guid h1 handle hardware hash head header hex history host hostname
    href hsenc iban icon id idempotency ident identifier idx image imei img index instance integrity
    invocation invoice ip ipfs isbn issue iv ja3 ja4 job jti kernel kid label lambda layer layout leaf
    library link listing load location locator lock log logo machine manifest map marker md5 measurement
    media member memory merchant merge meta metadata method metric mime minhash minute model modified module
    monitor multihash mutation namespace network next node nonce note notification number oauth obfuscation
    offset op operation order org organisation organization origin package packet page pagination parent
    parquet participant partition patch path pattern payment peer person phase photo picture pid pin
    pipeline pixel placeholder plan player pod point pointer policy pool pos position post prev previous
    price principal product profile project promo prompt proxy pub pubkey public publickey publishable
    quadkey query queue quote random raw ray reason receipt redirect ref reference refund region registry
    relation release replay replica repo report repository request resolution resource response resume rev
    revision role root route rpc rule run runtime s3 sample scan schedule schema scope screenshot script sdk
    search section seed segment sequence serial series server service sess session sha sha1 sha256 sha384
    sha512 shard share signature simhash since site size sku slot slug snapshot sort source span spec speech
    sql sri ssdeep ssh stack stage start state status step storage store stream style subject subscription
    summary svg sxsrf system tab table tag target task team template tenant test theme thought thread thumb
    thumbhash thumbnail ticket tile time timestamp tool toolu topic trace traceparent tracestate track
    tracking transaction transcript transfer tree trial turn tx txn ulid unit until upc update upload
    uploads uri url urn user username uuid variant vector ved vendor verdict version vertex via video view
    vin vm volume voucher wallet watch webpage window worker workflow workspace x509 zone
""")
# Names of what carries any text: they say nothing of it.
CARRIERS = _words("""
    any arg args argument arguments argv body bytes char content data element entry example field input item
    items kwargs line message msg object output param params part payload plaintext property record result
    row self str string sub text title type val value values var variable word
""")
# The beginnings by which services mark ids that are shown to anyone.
PUBLIC_PREFIXES = _words("""
    acct act ami app arn artcl asst aud aws ba batch bps bt bundle call cards cdi ch chan chatcmpl claude
    cmpl cn conv cs ctr cu cus cve cwe dataset db dep dev dp dpl ecfg embd eni env ev event evt exec exp fc
    fcall fee fg file fld fp ft ftevent ftjob fun gen ghsa gpt grp gw hist host i icfg ig ii il img in inst
    inv ip item job kms lib link list mandate mbr md member modr ms msg node oauth2 obj ord order org page
    part pay payout pi pid pl plan plink pm po pod post prc prd pri price prod profile proj prompt prv py q
    ra rec rel req reqid request res resp response rg role rs rtb run sc sched seg seti sg sha sha1 sha256
    sha512 shr si sid snap span spec src ssn stage step str sub subnet svc swa tag task tbl team thr thrd
    thread tool toolu trace trc trx tx txn txr u upload us user usr uuid v vol vpc vs web wf wh whk win
    wrkspc ws www x
""")
# What a prefix calls itself that stands before a secret.
KEY_PREFIXES = _words("""
    access admin ak api apikey auth bearer cred int jwt key keys live oauth pass pat personal pk priv
    private prod pwd refresh rk sa sandbox secret server sk svc svcacct test tok token
""")
# Between a word that says secret and its value, in a sentence.
FILLERS = _words("""
    a an and another any are as be been being below by called each entered every following for found from
    gave get given got had has have here i in is it its just like my named new no not now of on other our
    passed presented provided received rejected returned returns same sent set supplied that the their them
    this to use used uses using value was we were which with yielded you your
""")
# Words that say secret in a sentence, too, where `pass` and `auth` say something else.
SPOKEN = _words("""
    apikey bearer credential credentials jwt key keys passphrase passwd password pat secret secrets token
    tokens
""")
# Behind `the key`: it is one that somebody used.
HANDED_OVER = _words("you gave given passed presented provided sent supplied used")
