"""MongoDB's client-side encryption as its drivers do it: libmongocrypt speaks to the KMS, a driver lends it the socket.

python mongodb.py HOST:PORT KEY_ARN TRUSTED: makes a data key under that KMS key, seals a value, and opens it again with
a fresh libmongocrypt that knows nothing but the stored data key. What a driver stores in MongoDB is kept in a list.
"""

import json
import socket
import ssl
import sys
from typing import Any

import bson
from bson.binary import STANDARD, Binary
from bson.codec_options import CodecOptions
from pymongocrypt.mongocrypt import MongoCryptOptions
from pymongocrypt.synchronous.explicit_encrypter import ExplicitEncrypter
from pymongocrypt.synchronous.state_machine import MongoCryptCallback

OPTIONS: Any = CodecOptions(uuid_representation=STANDARD)
ALGORITHM = "AEAD_AES_256_CBC_HMAC_SHA_512-Random"


class Driver(MongoCryptCallback):
    """What a driver does for libmongocrypt."""

    def __init__(self, trusted: str, vault: list[bytes]) -> None:
        self._context = ssl.create_default_context(cafile=trusted)
        self._vault = vault

    def kms_request(self, kms_context: Any) -> None:
        """Send what libmongocrypt wrote, and feed it the answer for as long as it asks for more."""
        host, _, port = kms_context.endpoint.rpartition(":")
        plain = socket.create_connection((host, int(port)), timeout=20)
        with self._context.wrap_socket(plain, server_hostname=host) as connection:
            connection.sendall(kms_context.message)
            while kms_context.bytes_needed > 0:
                data = connection.recv(kms_context.bytes_needed)
                if not data:
                    raise OSError("the KMS hung up")
                kms_context.feed(data)

    def insert_data_key(self, data_key: bytes) -> Binary:
        self._vault.append(bytes(data_key))
        identity: Binary = Binary(bson.decode(self._vault[-1], OPTIONS)["_id"].bytes, 4)
        return identity

    def fetch_keys(self, filter: bytes) -> list[bytes]:  # noqa: A002  # the interface's name
        return self._vault

    def bson_encode(self, doc: dict[str, Any]) -> bytes:
        return bson.encode(doc)

    def collection_info(self, db: str, filter: bytes) -> bytes:  # noqa: A002  # likewise
        raise NotImplementedError

    def mark_command(self, db: str, cmd: bytes) -> bytes:
        raise NotImplementedError

    def close(self) -> None:
        """Nothing is held."""


def main(endpoint: str, arn: str, trusted: str) -> None:
    """Goes through it, and prints what was opened."""
    vault: list[bytes] = []

    def encrypter() -> ExplicitEncrypter:
        aws = {"aws": {"accessKeyId": "ROOT", "secretAccessKey": "made-up"}}
        return ExplicitEncrypter(Driver(trusted, vault), MongoCryptOptions(aws))

    master = {"region": "eu-central-1", "key": arn, "endpoint": endpoint}
    key_id = encrypter().create_data_key("aws", master_key=master)
    sealed = encrypter().encrypt(bson.encode({"v": "a secret"}), ALGORITHM, key_id=key_id)
    opened = bson.decode(encrypter().decrypt(sealed))
    (stored,) = vault
    provider = bson.decode(stored, OPTIONS)["masterKey"]["provider"]
    sys.stdout.write(json.dumps({"opened": opened["v"], "sealed": "secret" not in repr(sealed), "by": provider}))


if __name__ == "__main__":
    main(*sys.argv[1:])
