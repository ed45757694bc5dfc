"""Who may call: the fleet's tokens, checked and signed, by the rules that a service in Rust has from syscall-sdk.

A token is a chain of JWTs. The root signed the first; each further one holds the one before as `parent`, is signed by the key that the one
before names, and allows no more (docs/adr/0029). One with `act` is used in another's name, which takes the right to speak for them: so the
gateway calls for who holds an API key, and a page for its reader (docs/adr/0035, 0036).

What is not here: revocation. A token that was taken back is good until it ends.
"""

import base64
import hashlib
import json
import re
import time
import uuid
from typing import NamedTuple

# Python's standard library has no Ed25519. Where nobody is asked for a token and none is shown, it is not needed.
try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
except ImportError:
    Ed25519PublicKey = None

TOKEN_MAX_BYTES = 8_192
LINKS_MAX = 4
AUDIENCE_MAX = 64
NAME_MAX_BYTES = 200
# Control characters, ends of lines and marks of direction.
MISLEADING = re.compile("[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
CALL_LIFE_SECONDS = 300
DAY_SECONDS = 86_400
# How far clocks may be apart.
LEEWAY_SECONDS = 30


class Refusal(Exception):
    """An error that its caller is told of."""

    def __init__(self, status, code, message, origin="kernel", details=None):
        super().__init__(message)
        self.status, self.origin = status, origin
        self.told = {"code": code, "message": message} | ({"details": details} if details else {})


class Right(NamedTuple):
    """`at` is None where it is good everywhere; `is_prefix`: it is for all names that start with `name`."""

    word: str
    at: str | None
    name: str
    is_prefix: bool


class Caller(NamedTuple):
    """Who calls: `subject`, and `by`, the service that speaks for them, if one does."""

    subject: str
    by: str | None
    audience: list
    rights: list
    iat: int
    exp: int
    holder: object


class Gate:
    """What stands before the methods of a service, by its key; `auth` is `open`, where nobody is asked for a token, or anything else."""

    def __init__(self, service, auth, root_keys=""):
        self.service, self.is_open = service, auth == "open"
        if Ed25519PublicKey is None and not self.is_open:
            raise SystemExit("tokens are checked with a package that is not here: pip install cryptography")
        self.roots = {} if self.is_open else {thumbprint(x): public_key(x) for x in root_keys.replace(",", " ").split()}

    def admit(self, authorization):
        """Who calls; None where nobody is asked."""
        if self.is_open:
            return None
        if not authorization:
            raise Refusal(401, "UNAUTHENTICATED", "this needs a token; show it as Authorization: Bearer")
        try:
            scheme, token = authorization.split()
            must(scheme.lower() == "bearer")
            caller = chain(token, self.roots, LINKS_MAX)
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
            # What is wrong with a token that no root vouches for is not told apart.
            raise Refusal(401, "TOKEN_INVALID", "the token is not valid here") from None
        if caller.holder is not None:
            raise Refusal(401, "TOKEN_INVALID", "this token names a key and is no credential by itself")
        if not names(caller.audience, self.service):
            raise Refusal(401, "TOKEN_AUDIENCE", f"the token is for other services than {self.service}")
        return caller

    def allow(self, caller, word, name=None, at=None):
        """Asks for a right by its words, such as `rpc`, here or at another service, to one name or to all."""
        need = Right(word, at or self.service, name or "", name is None)
        if caller is None or (names(caller.audience, need.at) and may(caller.rights, need)):
            return
        right = f"rpc {need.at} {name}" if word == "rpc" else word
        message = f"this needs the right `{right}`, which the token of {caller.subject} does not have"
        raise Refusal(403, "FORBIDDEN", message, details={"right": right})


def credential(held, callee, right):
    """What a service shows to another: what it holds, narrowed to one service and one right for five minutes.

    `held` is SYSCALL_TOKEN: a token, a dot and the seed of the private key that the token names.
    """
    if not held:
        return {}
    parent, _, seed = held.strip().rpartition(".")
    own = json.loads(unbase64(parent.split(".")[1]))
    iat = int(time.time())
    claims = {"iss": own["sub"], "sub": own["sub"], "aud": callee, "iat": iat, "exp": min(own["exp"], iat + CALL_LIFE_SECONDS)}
    claims |= {"jti": str(uuid.uuid4()), "cap": [right], "parent": parent, "call": True}
    signed = ".".join(base64url(json.dumps(part).encode()) for part in ({"alg": "EdDSA", "typ": "JWT"}, claims))
    signature = Ed25519PrivateKey.from_private_bytes(unbase64(seed)).sign(signed.encode())
    return {"authorization": f"Bearer {signed}.{base64url(signature)}"}


def chain(token, roots, left):
    """What a chain comes to, checked from the root on; raises where a link is not good."""
    must(left > 0 and len(token) <= TOKEN_MAX_BYTES)
    head, said, signature = token.split(".")
    header, claims = json.loads(unbase64(head)), json.loads(unbase64(said))
    parent = None if claims.get("parent") is None else chain(claims["parent"], roots, left - 1)
    # The key is one that is trusted already; the header's algorithm is compared and never followed, and nothing critical in it is known here.
    key = roots.get(header.get("kid")) if parent is None else parent.holder
    must(key is not None and header["alg"] == "EdDSA" and header["typ"] == "JWT" and header.get("crit") is None)
    verify(key, f"{head}.{said}".encode(), unbase64(signature))

    iss, sub, jti, aud, cap, exp, iat = (claims[name] for name in ("iss", "sub", "jti", "aud", "cap", "exp", "iat"))
    cnf, act, nbf = (claims.get(name) for name in ("cnf", "act", "nbf"))
    nbf = 0 if nbf is None else nbf
    audience = aud if isinstance(aud, list) else [aud]
    must(isinstance(claims.get("call", False), bool))
    must(isinstance(cap, list) and all(isinstance(text, str) for text in (iss, sub, jti, *audience, *cap)))
    must(all(type(moment) is int and moment >= 0 for moment in (exp, iat, nbf)))
    if parent is None:
        must(iss == "blackroad:root" and act is None and exp - iat <= (366 if cnf is None else 30) * DAY_SECONDS)
    else:
        must(iss == parent.subject and exp <= parent.exp and iat + LEEWAY_SECONDS >= parent.iat)
    now = int(time.time())
    if exp + LEEWAY_SECONDS <= now:
        raise Refusal(401, "TOKEN_EXPIRED", "the token has ended; show a new one")
    must(max(iat, nbf) <= now + LEEWAY_SECONDS and exp > iat)
    must(is_name(sub) and is_name(jti) and len(audience) <= AUDIENCE_MAX)

    rights, by = [right(text) for text in cap], None
    if parent is not None:
        must(all(names(parent.audience, at) for at in audience))
        must(all(may(parent.rights, each) for each in rights))
        if act is None:
            must(sub == parent.subject)
            by = parent.by
        else:
            # In another's name: of one whom the parent may speak for wherever the link is good, and who speaks for nobody in turn. Nobody
            # speaks for a service.
            must(parent.by is None and act["sub"] == parent.subject and not sub.startswith("service:"))
            must(all(may(parent.rights, Right("speak", at, sub, False)) for at in audience))
            by = parent.subject
    holder = None
    if cnf is not None:
        jwk = cnf["jwk"]
        must(jwk["kty"] == "OKP" and jwk["crv"] == "Ed25519")
        holder = public_key(jwk["x"])
    return Caller(sub, by, audience, rights, iat if parent is None else parent.iat, exp, holder)


def right(text):
    """A right, `{facility}[@{service}] {verb} {pattern}`, in parts (docs/reference/rights.md).

    A word that is not known here is no fault: nothing here asks for it.
    """
    head, _, rest = text.partition(" ")
    word, found, at = head.partition("@")
    at = at if found else None
    if word == "rpc" and at is None:
        # It names its service before the method.
        at, _, rest = rest.partition(" ")
        at = None if at == "*" else at
    if word not in ("rpc", "speak", "admin"):
        verb, _, rest = rest.partition(" ")
        word = f"{word} {verb}"
    must(re.fullmatch("[a-z]+( [a-z]+)?", word) and (word != "admin" or rest == ""))
    must(at is None or re.fullmatch("[a-z]([a-z0-9-]{0,61}[a-z0-9])?", at))
    is_folder = word.startswith("state ") and rest.endswith(("/", ":"))
    return Right(word, at, rest.removesuffix("*"), rest == "" or rest.endswith("*") or is_folder)


def may(rights, asked):
    """Whether one of some rights allows all that another one does."""
    return any(covers(own, asked) for own in rights)


def covers(own, asked):
    if own.at is not None and own.at != asked.at:
        return False
    if own.is_prefix:
        named = asked.name.startswith(own.name)
    else:
        named = not asked.is_prefix and own.name == asked.name
    return own.word == "admin" or (own.word == asked.word and named)


def names(audience, service):
    return "*" in audience or service in audience


def verify(key, signed, signature):
    try:
        key.verify(signature, signed)
    except InvalidSignature:
        must(False)


def public_key(x):
    return Ed25519PublicKey.from_public_bytes(unbase64(x))


def thumbprint(x):
    return base64url(hashlib.sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'.encode()).digest())


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unbase64(text):
    """base64url, which Python reads leniently: here bytes have one text alone."""
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    must(base64url(data) == text)
    return data


def is_name(text):
    """A name is one line of a log, and "user/" is nobody's."""
    return text != "" and len(text.encode()) <= NAME_MAX_BYTES and not text.endswith("/") and not MISLEADING.search(text)


def must(holds):
    if not holds:
        raise ValueError("a rule of tokens does not hold")
