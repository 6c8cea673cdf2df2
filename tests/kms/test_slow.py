"""Slow work holds up nobody, has a bound, and is done once."""

import asyncio
import contextlib
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.kms.engines import InProcess, body, caller, in_process
from tests.kms.running import start
from twinvault_kms import asymmetric
from twinvault_kms.errors import KmsError
from twinvault_kms.slow import Workers

PAIR = {"KeyPairSpec": "RSA_4096"}


@pytest.fixture(scope="module")
def kms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    with in_process(tmp_path_factory.mktemp("slow")) as engine:
        yield engine


def asked(kms: InProcess, operation: str, document: dict[str, Any]) -> "asyncio.Task[bytes]":
    return asyncio.ensure_future(kms.engine.answer(operation, body(document), caller()))


def begun() -> int:
    """How many threads make keys."""
    return sum(thread.name.startswith("kms-making") for thread in threading.enumerate())


def test_others_are_answered_while_rsa_keys_are_made(kms: InProcess):
    key = kms.key()
    blob = kms.ask("Encrypt", KeyId=key, Plaintext=b"text")["CiphertextBlob"]
    signer = kms.key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")
    signing = {"KeyId": signer, "Message": b"m", "SigningAlgorithm": "RSASSA_PSS_SHA_256"}

    async def meanwhile() -> int:
        pairs = [asked(kms, "GenerateDataKeyPair", {"KeyId": key, **PAIR}) for _ in range(4)]
        await asyncio.sleep(0)
        await asked(kms, "Decrypt", {"CiphertextBlob": blob})
        await asked(kms, "Sign", signing)
        waiting = sum(not pair.done() for pair in pairs)
        assert all(await asyncio.gather(*pairs))
        return waiting

    assert kms.runner.run(meanwhile()) >= 3


def test_however_many_ask_only_so_many_threads_make_keys(kms: InProcess):
    key = kms.key()

    async def crowd() -> None:
        pairs = [asked(kms, "GenerateDataKeyPair", {"KeyId": key, "KeyPairSpec": "RSA_2048"}) for _ in range(24)]
        await asyncio.gather(*pairs)

    kms.runner.run(crowd())
    assert 1 <= begun() <= max(1, kms.engine.workers.cores - 1)


def test_a_machine_with_one_core_makes_keys_too():
    workers = Workers(cores=1)
    assert workers.cores == 1
    workers.close()


def test_what_changed_meanwhile_counts(kms: InProcess):
    key = kms.key()

    async def disabled_meanwhile() -> None:
        pair = asked(kms, "GenerateDataKeyPair", {"KeyId": key, **PAIR})
        await asyncio.sleep(0)
        await asked(kms, "DisableKey", {"KeyId": key})
        await pair

    with pytest.raises(KmsError) as caught:
        kms.runner.run(disabled_meanwhile())
    assert caught.value.code == "DisabledException"


def test_keys_made_at_once_have_each_its_own_number(kms: InProcess):
    asymmetric_key = {"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"}

    async def at_once() -> None:
        await asyncio.gather(*(asked(kms, "CreateKey", each) for each in (asymmetric_key, {}, asymmetric_key, {})))

    before = kms.engine.journal.catalog.counter.keys
    kms.runner.run(at_once())
    numbers = {each.number for each in kms.engine.journal.catalog.keys.values()}
    assert set(range(before + 1, before + 5)) <= numbers


def test_a_refusal_does_no_slow_work(kms: InProcess):
    key = kms.key()
    kms.ask("DisableKey", KeyId=key)
    before = begun()
    with pytest.raises(KmsError):
        kms.ask("GenerateDataKeyPair", KeyId=key, **PAIR)
    with pytest.raises(KmsError, match="DryRun"):
        kms.ask("GenerateDataKeyPair", KeyId=kms.key(), DryRun=True, **PAIR)
    assert begun() == before


def test_a_stored_key_is_parsed_once(kms: InProcess):
    key_id = kms.key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")
    key = kms.engine.journal.catalog.keys[key_id]
    parsed = kms.engine.ring.private_key(key, key.materials[0])
    assert kms.engine.ring.private_key(key, key.materials[0]) is parsed


def test_the_numbers_of_a_key_are_checked_when_it_comes_in_and_not_again():
    numbers = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_numbers()
    wrong = rsa.RSAPrivateNumbers(
        p=numbers.p,
        q=numbers.q,
        d=numbers.d + 2,
        dmp1=numbers.dmp1,
        dmq1=numbers.dmq1,
        iqmp=numbers.iqmp,
        public_numbers=numbers.public_numbers,
    ).private_key(unsafe_skip_rsa_key_validation=True)
    der = wrong.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(ValueError, match=r"[Ii]nvalid"):
        asymmetric.load_private(der)
    asymmetric.own_key(der)


def test_a_kms_that_is_told_to_stop_while_keys_are_made_stops(tmp_path: Path):
    running = start(tmp_path)
    kms = running.client()
    key = kms.create_key()["KeyMetadata"]["KeyId"]

    def pair() -> None:
        with contextlib.suppress(BotoCoreError, ClientError):
            running.client().generate_data_key_pair(KeyId=key, KeyPairSpec="RSA_4096")

    askers = [threading.Thread(target=pair) for _ in range(8)]
    for asker in askers:
        asker.start()
    kms.generate_random(NumberOfBytes=1)
    running.process.send_signal(signal.SIGTERM)
    running.process.wait(200)  # one key that is being made is made to its end: seconds, on a busy machine many
    for asker in askers:
        asker.join()
    assert running.process.returncode == 0
    assert "Traceback" not in running.log
