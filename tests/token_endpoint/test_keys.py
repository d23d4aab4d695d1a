"""Private keys from files, and the assertions that they sign."""

from __future__ import annotations

import base64
import hashlib
import json
import ssl
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from secret_refresher.adapters.token_endpoint import signing
from secret_refresher.adapters.token_endpoint.signing import KeyRing, SigningKey, signing_key
from secret_refresher.config.model import Algorithm
from secret_refresher.errors import Fault, Lane, Reason, Trouble
from secret_refresher.tokens.secret import Secret

RSA = rsa.generate_private_key(65537, 2048)
CURVES = {
    Algorithm.ES256: ec.generate_private_key(ec.SECP256R1()),
    Algorithm.ES384: ec.generate_private_key(ec.SECP384R1()),
    Algorithm.ES512: ec.generate_private_key(ec.SECP521R1()),
}
ED25519, ED448 = ed25519.Ed25519PrivateKey.generate(), ed448.Ed448PrivateKey.generate()
KEYS: list[tuple[Algorithm, Any]] = [
    *((algorithm, RSA) for algorithm in Algorithm if algorithm[:2] in {"RS", "PS"}),
    *CURVES.items(),
    (Algorithm.EDDSA, ED25519),
    (Algorithm.EDDSA, ED448),
    (Algorithm.ED25519, ED25519),
    (Algorithm.ED448, ED448),
]
PATH = "/etc/credentials/private_key"


def pem(
    key: Any,
    form: PrivateFormat = PrivateFormat.PKCS8,
    lock: KeySerializationEncryption | None = None,
) -> bytes:
    """The key as a PEM file."""
    content: bytes = key.private_bytes(Encoding.PEM, form, lock or NoEncryption())
    return content


def jwk(key: Any, **more: Any) -> dict[str, Any]:
    """The key as a JWK."""
    kinds: dict[Any, Any] = {
        rsa.RSAPrivateKey: RSAAlgorithm,
        ec.EllipticCurvePrivateKey: ECAlgorithm,
    }
    kind = next((made for of, made in kinds.items() if isinstance(key, of)), OKPAlgorithm)
    return {**kind.to_jwk(key, as_dict=True), **more}


def public(key: Any) -> bytes:
    """The public half as PEM."""
    content: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return content


def certificate(key: Any) -> bytes:
    """A certificate of the key, by itself."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "client")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(Encoding.PEM)


def read(
    content: bytes | dict[str, Any], key_id: str | None = None, algorithm: Algorithm | None = None
) -> SigningKey:
    """The key in a file that holds this."""
    held = content if isinstance(content, bytes) else json.dumps(content).encode()
    return signing_key(PATH, held, key_id, algorithm)


def signed(key: SigningKey, now: float = 1_700_000_000.9) -> str:
    """An assertion of the client `me` for a server."""
    return signing.assertion(key, Secret("me"), "https://id.example.com/token", now).reveal()


def verified(token: str, key: Any) -> dict[str, Any]:
    """The claims, if another reading of the RFCs finds the signature right."""
    plain = jwt.PyJWS()
    plain.register_algorithm("Ed25519", OKPAlgorithm())
    plain.register_algorithm("Ed448", OKPAlgorithm())
    payload = plain.decode(token, key.public_key(), algorithms=[str(a) for a in Algorithm])
    claims: dict[str, Any] = json.loads(payload)
    return claims


# --- what is signed --------------------------------------------------------------------------


@pytest.mark.parametrize(("algorithm", "key"), KEYS)
@pytest.mark.parametrize("form", [pem, jwk])
def test_each_algorithm_signs(
    algorithm: Algorithm, key: Any, form: Callable[[Any], bytes | dict[str, Any]]
) -> None:
    """Every algorithm signs with a key that fits it, as PEM and as JWK, and says so."""
    token = signed(read(form(key), algorithm=algorithm))
    assert jwt.get_unverified_header(token) == {"alg": str(algorithm), "typ": "JWT"}
    assert verified(token, key)["iss"] == "me"


@pytest.mark.parametrize(
    ("key", "algorithm"), [(RSA, "RS256"), *((k, a) for a, k in CURVES.items()), (ED448, "EdDSA")]
)
def test_the_key_decides_where_nobody_says(key: Any, algorithm: str) -> None:
    """Without an algorithm the usual one for the key is taken."""
    assert read(pem(key)).algorithm == algorithm == read(jwk(key)).algorithm


def test_what_an_assertion_says() -> None:
    """An assertion names client, server and a minute, and has nothing that servers stumble over."""
    claims = verified(signed(read(pem(RSA))), RSA)
    assert len(claims.pop("jti")) >= 20
    assert claims == {
        "iss": "me",
        "sub": "me",
        "aud": "https://id.example.com/token",
        "iat": 1_700_000_000,
        "exp": 1_700_000_060,
    }


def test_no_two_assertions_are_the_same() -> None:
    """Each assertion has an identifier of its own, also within one second."""
    key = read(pem(CURVES[Algorithm.ES256]))
    assert len({verified(signed(key), CURVES[Algorithm.ES256])["jti"] for _ in range(200)}) == 200


def test_a_name_for_the_key() -> None:
    """`kid` is what the configuration says, else what the JWK says, else nothing."""
    assert read(pem(ED25519)).named == {}
    assert read(pem(ED25519), "mine").named == {"kid": "mine"}
    assert read(jwk(ED25519, kid="own")).named == {"kid": "own"}
    assert read(jwk(ED25519, kid="own"), "mine").named == {"kid": "mine"}
    header = jwt.get_unverified_header(signed(read(pem(ED25519), "mine")))
    assert header == {"alg": "EdDSA", "typ": "JWT", "kid": "mine"}


def test_the_certificate_beside_the_key() -> None:
    """A certificate beside the key, whatever else is in its chain, is told by its digest."""
    own, other = certificate(RSA), certificate(CURVES[Algorithm.ES256])
    der = x509.load_pem_x509_certificate(own).public_bytes(Encoding.DER)
    digest = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).decode().rstrip("=")
    for content in (pem(RSA) + own, other + own + pem(RSA)):
        assert read(content).named == {"x5t#S256": digest}
    shown = read(jwk(RSA, **{"x5t#S256": digest, "kid": "k"})).named
    assert shown == {"x5t#S256": digest, "kid": "k"}


# --- what a file may hold --------------------------------------------------------------------

LINE = b"\n"
ENCODINGS: dict[str, bytes] = {
    "PKCS#8": pem(RSA),
    "PKCS#1": pem(RSA, PrivateFormat.TraditionalOpenSSL),
    "no newline at the end": pem(RSA).rstrip(),
    "other line ends": pem(RSA).replace(LINE, b"\r\n"),
    "text around it": b"# the key\nBag Attributes: <none>\n" + pem(RSA) + b"\nend\n",
    "byte order mark": b"\xef\xbb\xbf" + pem(RSA),
    "JWK": json.dumps(jwk(RSA)).encode(),
    "JWK with a byte order mark": b"\xef\xbb\xbf" + json.dumps(jwk(RSA)).encode(),
    "JWK with blanks": json.dumps(jwk(RSA), indent=2).encode() + b"\n",
    "JWK without the primes": json.dumps(
        {name: value for name, value in jwk(RSA).items() if name in {"kty", "n", "e", "d"}}
    ).encode(),
    "JWK Set of one": json.dumps({"keys": [jwk(RSA)]}).encode(),
    "JWK Set with others": json.dumps(
        {
            "keys": [
                {"kty": "oct", "k": "c2VjcmV0", "kid": "a"},
                jwk(ED25519, use="enc"),
                {name: value for name, value in jwk(ED448).items() if name != "d"},
                "no key",
                jwk(RSA, use="sig", key_ops=["sign"]),
            ]
        }
    ).encode(),
}


@pytest.mark.parametrize("content", ENCODINGS.values(), ids=ENCODINGS)
def test_forms_of_one_key(content: bytes) -> None:
    """One key is read from each form that tools write it in."""
    assert verified(signed(read(content)), RSA)


def test_forms_of_a_curve_s_key() -> None:
    """SEC 1, with the parameters that openssl writes before it, is read too."""
    key = CURVES[Algorithm.ES384]
    parameters = b"-----BEGIN EC PARAMETERS-----\nBgUrgQQAIg==\n-----END EC PARAMETERS-----\n"
    for content in (pem(key, PrivateFormat.TraditionalOpenSSL), pem(key)):
        assert verified(signed(read(parameters + content)), key)


def test_a_set_of_keys() -> None:
    """The key id chooses one key of a set; its own algorithm is taken."""
    content = {
        "keys": [
            jwk(RSA, kid="old", alg="RS512"),
            jwk(RSA, kid="new", alg="PS256"),
            jwk(ED25519, kid="new too"),
        ]
    }
    assert read(content, "new").algorithm is Algorithm.PS256
    assert read(content, "old").algorithm is Algorithm.RS512
    assert read(content, "new too").named == {"kid": "new too"}


# --- what it must not hold -------------------------------------------------------------------


def off_the_curve(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A whole certificate with a point that is none."""
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    held = x509.load_pem_x509_certificate(certificate(key)).public_bytes(Encoding.DER)
    return ssl.DER_cert_to_PEM_cert(held.replace(point, b"\x04" + b"\xff" * 64)).encode()


SMALL = rsa.generate_private_key(65537, 1024)  # noqa: S505 - too small on purpose
ODD_CURVE = ec.generate_private_key(ec.SECP256K1())
WHOLE = pem(RSA)
BAD: dict[str, tuple[bytes | dict[str, Any], str]] = {
    "empty": (b"\n", "is empty; write the private key"),
    "no key": (b"hunter2", "holds no private key; write it as PEM"),
    "not text": (b"\xff\xfe\x00key", "holds no private key"),
    "encrypted PKCS#8": (
        pem(RSA, lock=BestAvailableEncryption(b"x")),
        "is encrypted with a password; openssl pkey -in /etc/credentials/private_key -out NEW",
    ),
    "encrypted PKCS#1": (
        pem(RSA, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(b"x")),
        "is encrypted with a password",
    ),
    "OpenSSH": (pem(ED25519, PrivateFormat.OpenSSH), "is an OpenSSH key; on a copy, ssh-keygen"),
    "public": (public(RSA), "holds a public key; name the private key"),
    "public, of SSH": (b"ssh-ed25519 AAAAC3Nza me@here\n", "holds a public key"),
    "certificate": (certificate(RSA), "holds a certificate without a key"),
    "another's certificate": (
        pem(RSA) + certificate(CURVES[Algorithm.ES256]),
        "holds certificates, but none of the private key beside them",
    ),
    "broken certificate": (
        pem(RSA) + b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "holds certificates, but none of the private key",
    ),
    "certificate of no key": (
        pem(RSA) + off_the_curve(CURVES[Algorithm.ES256]),
        "holds certificates, but none of the private key",
    ),
    "two keys": (pem(RSA) + pem(ED25519), "holds more than one private key"),
    "cut off": (WHOLE[:-40], "holds a private key that is not whole"),
    "line ends as text": (WHOLE.replace(LINE, b"\\n"), "holds a private key that cannot be read"),
    "damaged": (WHOLE.replace(WHOLE[100:120], b"A" * 20), "cannot be read; was it cut off"),
    "base64 of PEM": (base64.b64encode(WHOLE), "is PEM encoded once more, in base64; decode it"),
    "DER": (
        RSA.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
        "is DER or PKCS#12; openssl pkey -in /etc/credentials/private_key -out NEW",
    ),
    "1024 bits": (pem(SMALL), "holds an RSA key of 1024 bits; make one of 2048 bits at least"),
    "8192 bits": (
        b"-----BEGIN PRIVATE KEY-----\n" + b"A" * 6300 + b"\n-----END PRIVATE KEY-----\n",
        "holds a key of more than 4096 bits; make an RSA key of 2048 to 4096 bits",
    ),
    "8192 bits as JWK": (jwk(RSA, n="A" * 1366), "holds a key of more than 4096 bits"),
    "one large number in a JWK": (jwk(RSA, dq="A" * 9999), "holds a key of more than 4096 bits"),
    "secp256k1": (pem(ODD_CURVE), "on secp256k1, which no algorithm is for; make one on P-256"),
    "X25519": (pem(x25519.X25519PrivateKey.generate()), "of a kind that signs no assertions"),
    "DSA": (pem(dsa.generate_private_key(2048)), "of a kind that signs no assertions"),
    "not JSON": (b'{"kty": "RSA"', "is JSON that cannot be read"),
    "JSON list": (b"[]", "is JSON that cannot be read"),
    "another JSON": (
        {"type": "service_account", "private_key": WHOLE.decode()},
        "is JSON, but no JWK: it has no kty; write the JWK itself",
    ),
    "JWK without d": (
        {name: value for name, value in jwk(RSA).items() if name != "d"},
        "holds a public key; name the private JWK",
    ),
    "shared secret": ({"kty": "oct", "k": "aHVudGVyMg"}, "holds a shared secret (kty oct)"),
    "unknown kty": ({"kty": "AKP", "d": "x"}, "holds a JWK of an unknown kind (kty)"),
    "kty no text": ({"kty": ["RSA"], "d": "x"}, "holds a JWK of an unknown kind (kty)"),
    "for encryption": (jwk(RSA, use="enc"), "holds a key that is not for signing"),
    "only verifies": (jwk(RSA, key_ops=["verify"]), "holds a key that is not for signing"),
    "X25519 as JWK": ({"kty": "OKP", "crv": "X25519", "x": "AA", "d": "AA"}, "cannot be read"),
    "number for d": (jwk(RSA, d=7), "holds a private key that cannot be read"),
    "members missing": ({"kty": "EC", "d": "AAAA"}, "cannot be read"),
    "wrong length": (jwk(ED25519, d="AAAA"), "cannot be read"),
    "alg of another kind": (jwk(RSA, alg="ES256"), "whose alg is none that it can sign with"),
    "alg that is none": (jwk(RSA, alg="none"), "whose alg is none that it can sign with; have"),
    "empty set": ({"keys": []}, "is a JWK Set without a private key to sign with"),
    "set of public keys": ({"keys": [{"kty": "OKP", "x": "x"}]}, "is it the public half?"),
    "set of two": (
        {"keys": [jwk(RSA), jwk(ED25519, kid="b")]},
        "is a JWK Set with 2 keys to sign with; name one in auth.keyId",
    ),
}


@dataclass(frozen=True)
class Refusal:
    """A fault and all that was said on its way."""

    fault: Fault
    trace: str


def refused(content: bytes | dict[str, Any], *args: Any) -> Refusal:
    """Why a key is not taken."""
    with pytest.raises(Trouble) as error:
        read(content, *args)
    return Refusal(error.value.fault, "".join(traceback.format_exception(error.value)))


@pytest.mark.parametrize(("content", "told"), BAD.values(), ids=BAD)
def test_a_key_that_cannot_be_used(content: bytes | dict[str, Any], told: str) -> None:
    """The fault names the file and the remedy, and is for somebody to mend."""
    fault = refused(content).fault
    assert (fault.reason, fault.lane) == (Reason.CREDENTIALS, Lane.PERMANENT)
    assert fault.summary.startswith(f"the key file {PATH} ")
    assert told in str(fault)


@pytest.mark.parametrize("content", [bad[0] for bad in BAD.values()], ids=BAD)
def test_nothing_of_a_key_is_told(content: bytes | dict[str, Any]) -> None:
    """Neither the fault nor what was raised on the way quotes eight characters of a file."""
    refusal = refused(content)
    held = content.decode("latin-1") if isinstance(content, bytes) else json.dumps(content)
    secrets = [part for part in held.replace('"', "\n").split() if len(part) > 40]
    told = str(refusal.fault) + repr(refusal.fault) + refusal.trace
    for secret in secrets:
        assert not any(secret[i : i + 8] in told for i in range(0, len(secret) - 8, 4))
    assert "hunter2" not in told
    assert "aHVudGVyMg" not in told


@pytest.mark.parametrize(
    ("key", "algorithm", "told"),
    [
        (RSA, Algorithm.ES256, "an RSA key, which cannot sign with auth.algorithm ES256; write RS"),
        (RSA, Algorithm.EDDSA, "write RS256 or RS384 or RS512 or PS256 or PS384 or PS512 there"),
        (CURVES[Algorithm.ES256], Algorithm.ES384, "an EC key on secp256r1, which cannot sign"),
        (CURVES[Algorithm.ES512], Algorithm.RS256, "write ES512 there"),
        (ED25519, Algorithm.ED448, "an Ed25519 key, which cannot sign with auth.algorithm Ed448"),
        (ED448, Algorithm.ED25519, "an Ed448 key, which cannot sign"),
    ],
)
def test_an_algorithm_that_does_not_fit(key: Any, algorithm: Algorithm, told: str) -> None:
    """An algorithm that the key cannot sign with is refused, with those that it can."""
    assert told in str(refused(pem(key), None, algorithm).fault)
    assert told in str(refused(jwk(key), None, algorithm).fault)


def test_a_key_that_is_a_little_too_large() -> None:
    """A key whose file may be that long is refused by its bits."""
    assert "more than 4096 bits" in str(refused(pem(rsa.generate_private_key(65537, 4100))).fault)


def test_two_opinions_on_the_algorithm() -> None:
    """A JWK's own algorithm and the configuration's must agree."""
    assert read(jwk(RSA, alg="PS512"), None, Algorithm.PS512).algorithm is Algorithm.PS512
    fault = refused(jwk(RSA, alg="PS512"), None, Algorithm.PS256).fault
    assert "whose alg is another than auth.algorithm PS256; remove auth.algorithm" in str(fault)


def test_a_set_that_has_not_the_key() -> None:
    """A keyId that no key of a set has, or two have, is told as such."""
    content = {"keys": [jwk(RSA, kid="a"), jwk(ED25519, kid="a")]}
    assert "without the key that auth.keyId names" in str(refused(content, "b").fault)
    assert "with 2 keys to sign with" in str(refused(content, "a").fault)


def test_a_file_that_cannot_be_read_is_told_as_such() -> None:
    """The reader's own fault is passed on."""
    fault = Fault(Reason.CREDENTIALS, "cannot read it", "mount it")
    for find in (signing_key, KeyRing().key):
        with pytest.raises(Trouble) as error:
            find(PATH, fault, None, None)
        assert error.value.fault is fault


def test_a_key_shows_nothing() -> None:
    """What holds a key prints its algorithm only."""
    assert repr(read(pem(RSA))) == "SigningKey(RS256)"


# --- the ring --------------------------------------------------------------------------------


def test_a_key_is_read_once() -> None:
    """A key is read anew only when the file holds something else, and then at once."""
    ring = KeyRing()
    first = ring.key(PATH, pem(RSA), None, None)
    assert ring.key(PATH, pem(RSA), None, None) is first
    second = ring.key(PATH, pem(ED25519), None, None)
    assert second.algorithm is Algorithm.EDDSA
    again = ring.key(PATH, pem(RSA), None, None)
    assert again.algorithm is Algorithm.RS256
    assert again is not first


def test_ways_to_use_one_file() -> None:
    """Two tokens may use one file with names and algorithms of their own."""
    ring = KeyRing()
    one = ring.key(PATH, pem(RSA), "a", None)
    other = ring.key(PATH, pem(RSA), "b", Algorithm.PS256)
    assert (one.named, one.algorithm) == ({"kid": "a"}, Algorithm.RS256)
    assert (other.named, other.algorithm) == ({"kid": "b"}, Algorithm.PS256)
    assert ring.key(PATH, pem(RSA), "a", None) is one


def test_as_many_keys_as_are_kept() -> None:
    """Beyond its bound the ring lets go of the key that was used longest ago."""
    ring, content = KeyRing(), pem(ED25519)
    keys = [ring.key(f"/{number}", content, None, None) for number in range(signing.KEPT)]
    assert ring.key("/0", content, None, None) is keys[0]
    ring.key("/one more", content, None, None)
    assert ring.key("/0", content, None, None) is keys[0]
    assert ring.key("/1", content, None, None) is not keys[1]


def test_a_bad_key_leaves_the_good_one() -> None:
    """A file that was bad for a while is read again when it is good again."""
    ring = KeyRing()
    first = ring.key(PATH, pem(RSA), None, None)
    with pytest.raises(Trouble):
        ring.key(PATH, b"half a key", None, None)
    assert ring.key(PATH, pem(RSA), None, None) is first
