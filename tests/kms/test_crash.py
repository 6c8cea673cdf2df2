"""kill -9 in the middle of writing: nothing that was acknowledged is lost, and the store opens."""

import contextlib
import signal
import threading
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.kms.running import RunningKms, start

WRITERS = 3
ENOUGH = 25


def _write(running: RunningKms, number: int, acknowledged: list[str], enough: threading.Semaphore) -> None:
    kms = running.client()
    with contextlib.suppress(BotoCoreError, ClientError):
        while True:
            key = kms.create_key(Description=f"writer {number}")["KeyMetadata"]["KeyId"]
            kms.create_alias(AliasName=f"alias/{key}", TargetKeyId=key)
            kms.tag_resource(KeyId=key, Tags=[{"TagKey": "whole", "TagValue": "yes"}])
            acknowledged.append(key)
            enough.release()


@pytest.mark.parametrize("round_number", range(3))
def test_nothing_acknowledged_is_lost(tmp_path: Path, round_number: int):
    running = start(tmp_path)
    blob = None
    acknowledged: list[str] = []
    enough = threading.Semaphore(0)
    threads = [
        threading.Thread(target=_write, args=(running, number, acknowledged, enough)) for number in range(WRITERS)
    ]
    for thread in threads:
        thread.start()
    for _ in range(ENOUGH):
        assert enough.acquire(timeout=30)
    blob = running.client().encrypt(KeyId=acknowledged[0], Plaintext=b"before")["CiphertextBlob"]
    running.stop(signal.SIGKILL)
    for thread in threads:
        thread.join(30)
    again = start(tmp_path)
    kms = again.client()
    try:
        listed = {
            entry["AliasName"]: entry.get("TargetKeyId")
            for page in kms.get_paginator("list_aliases").paginate()
            for entry in page["Aliases"]
        }
        for key in acknowledged:
            assert listed[f"alias/{key}"] == key
            assert kms.list_resource_tags(KeyId=key)["Tags"] == [{"TagKey": "whole", "TagValue": "yes"}]
        assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"before"
        fresh = kms.create_key()["KeyMetadata"]["KeyId"]
        assert fresh not in acknowledged
    finally:
        again.stop()
