"""The key and the certificate with which answers of the OpenDSR door are signed; made once, kept in the store.

RSA, PKCS #1 v1.5, SHA-256 over the body as it is sent (OpenDSR, section 4). The certificate is self-signed: it
proves that answers and callbacks come from who answers `/opendsr/discovery`, which TLS vouches for.
"""

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta

from bson import Binary
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from pymongo.errors import DuplicateKeyError

from hub.store.database import Database
from hub.store.faults import store_faults

NAME = "opendsr"
KEY_BITS = 2048
VALID = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class Seal:
    """What signs, and what others check it with."""

    key: rsa.RSAPrivateKey
    certificate: bytes  # PEM

    def sign(self, body: bytes) -> str:
        """Return the signature of a body, in Base64."""
        return base64.b64encode(self.key.sign(body, padding.PKCS1v15(), hashes.SHA256())).decode()


async def seal_of(db: Database, domain: str, now: datetime) -> Seal:
    """Return the hub's seal, made when first asked for; all processes get the same."""
    secrets = db["secrets"]
    with store_faults():
        found = await secrets.find_one({"_id": NAME})
        if found is None:
            made, certificate = _made(domain, now)
            found = {"_id": NAME, "value": Binary(made), "certificate": Binary(certificate)}
            try:
                await secrets.insert_one(found)
            except DuplicateKeyError:  # another process was first
                return await seal_of(db, domain, now)
    key = serialization.load_pem_private_key(bytes(found["value"]), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return Seal(key, bytes(found["certificate"]))


def _made(domain: str, now: datetime) -> tuple[bytes, bytes]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, domain[:64])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + VALID)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(domain)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem, certificate.public_bytes(serialization.Encoding.PEM)
