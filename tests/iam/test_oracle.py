"""What an independent evaluator, @cloud-copilot/iam-simulate, decides of drawn policies, this engine decides too.

`generated.py` says what is left out, and why. One Node process answers them all.
"""

import json
import shutil
import subprocess
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from tests.iam.generated import HERE, WORDS, Draws, Question
from twinvault_iam.book import PolicyBook, RememberedAnswers, facts_asked, table_of
from twinvault_iam.documents import parse_policy
from twinvault_iam.evaluation import Decision, decide, decide_by_key_policy
from twinvault_iam.policy import Access, PolicyKind, Verdict
from twinvault_iam.principals import IamPrincipal

ROOT = Path(__file__).resolve().parents[2]
QUESTIONS, SECONDS = 1200, 600
ORACLE = Path(__file__).with_name("oracle.mjs")
SAID = {Verdict.ALLOW: "Allowed", Verdict.DENY: "ExplicitlyDenied", Verdict.SILENT: "ImplicitlyDenied"}


def _answers(asked: list[Question]) -> list[str]:
    assert (ROOT / "node_modules/@cloud-copilot/iam-simulate").exists(), "it is not installed. Type: make node_modules"
    node = shutil.which("node")
    assert node, "node is not on PATH; install Node 20 or newer"
    lines = "".join(json.dumps(_simulation(each)) + "\n" for each in asked)
    done = subprocess.run([node, ORACLE], input=lines, capture_output=True, text=True, check=False, timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def _facts(asked: Question) -> dict[str, tuple[str, ...]]:
    given = {key.lower(): (value,) if isinstance(value, str) else tuple(value) for key, value in asked.facts.items()}
    return IamPrincipal(arn=asked.caller).facts() | given


def _simulation(asked: Question) -> dict[str, object]:
    own = {key: values[0] for key, values in IamPrincipal(arn=asked.caller).facts().items()}
    request = {
        "principal": asked.caller,
        "action": asked.action,
        "resource": {"resource": asked.resource, "accountId": HERE},
        "contextVariables": own | asked.facts,
    }
    return {"request": request, "identity": asked.identity, "resource": asked.resource_policy}


def _decide(asked: Question) -> Decision:
    identity = [parse_policy(json.dumps(each), WORDS, kind=PolicyKind.IDENTITY) for each in asked.identity]
    there = parse_policy(json.dumps(asked.resource_policy), WORDS) if asked.resource_policy else None
    access = Access(IamPrincipal(arn=asked.caller), asked.action, asked.resource, _facts(asked))
    if asked.action.startswith("kms:"):
        assert there
        return decide_by_key_policy(access, identity=identity, key_policy=there)
    return decide(access, identity=identity, resource=there)


def test_the_oracle_decides_likewise():
    draws = Draws(seed=12)
    asked = [draws.question() for _ in range(QUESTIONS)]
    decided = [SAID[_decide(each).verdict] for each in asked]
    differing = [
        f"here {here}, there {there}: {json.dumps(asdict(each))}"
        for each, here, there in zip(asked, decided, _answers(asked), strict=True)
        if here != there
    ]
    assert not differing, f"{len(differing)} differ; the shortest: {min(differing, key=len)}"
    # Draws that are all refused would show nothing.
    assert min(Counter(decided).values()) >= QUESTIONS / 8, Counter(decided)
    assert set(decided) == set(SAID.values())


def test_what_is_remembered_of_like_calls_is_what_would_be_decided():
    """Each book is asked the same with facts that its policies do not look at, and then again."""
    draws = Draws(seed=13)
    for _ in range(QUESTIONS // 4):
        asked = draws.question()
        identity = [parse_policy(json.dumps(each), WORDS, kind=PolicyKind.IDENTITY) for each in asked.identity]
        principal, facts = IamPrincipal(arn=asked.caller), _facts(asked)
        there = parse_policy(json.dumps(asked.resource_policy), WORDS) if asked.resource_policy else None
        policies = {asked.resource: there} if there else {}
        table = {table_of(asked.resource): there} if there else {}
        book = PolicyBook({principal.principal_arn: tuple(identity)}, table, policies)
        looked_at = facts_asked([asked.identity, asked.resource_policy])
        answers = RememberedAnswers(book, looked_at)
        for known in (facts, {**facts, "kms:nobody": ("looks",)}, _without(facts, looked_at), *_changed(facts)):
            access = Access(principal, asked.action, asked.resource, known)
            assert answers.decide(access) == book.decide(access), json.dumps(asdict(asked))


def _without(facts: dict[str, tuple[str, ...]], looked_at: frozenset[str]) -> dict[str, tuple[str, ...]]:
    return {name: values for name, values in facts.items() if name in looked_at}


def _changed(facts: dict[str, tuple[str, ...]]) -> list[dict[str, tuple[str, ...]]]:
    """Each fact taken away, and each changed."""
    away = [{name: values for name, values in facts.items() if name != gone} for gone in facts]
    return away + [{**facts, name: ("something else",)} for name in facts]
