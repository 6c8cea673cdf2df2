"""Every condition operator, with the examples of AWS's documentation.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition_examples-multi-valued-context-keys.html
"""

from typing import Any

import pytest

from tests.iam.words import ACCOUNT, ROLE, VOCABULARY, holds
from twinvault_iam.comparisons import OPERATORS

SINGLE, MULTI = "kms:ViaService", "kms:EncryptionContextKeys"
# The example of the ARN operators: the same two texts match by StringLike, and do not by ArnLike.
FINANCE = "arn:aws:someservice:*:111122223333:finance/*"
STORE = "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt"

# operator, the policy's values, the request's value, whether it holds, whether it does without the key
TABLE = [
    ("StringEquals", "iamuser-admin", "iamuser-admin", True, False),
    ("StringEquals", ["12345", "67890"], "67890", True, False),
    ("StringEquals", "iamuser-admin", "IAMUSER-admin", False, False),
    ("StringEquals", "a*", "ab", False, False),
    ("StringEquals", "a*", "a*", True, False),
    ("StringNotEquals", "b", "a", True, True),
    ("StringNotEquals", ["a", "b"], "a", False, True),
    ("StringEqualsIgnoreCase", "Admin", "aDMIN", True, False),
    ("StringEqualsIgnoreCase", "Admin", "Admins", False, False),
    ("StringNotEqualsIgnoreCase", "Admin", "aDMIN", False, True),
    ("StringNotEqualsIgnoreCase", "Admin", "other", True, True),
    ("StringLike", ["t1.*", "t2.*", "m3.*"], "t2.micro", True, False),
    ("StringLike", ["t1.*", "t2.*", "m3.*"], "c5.large", False, False),
    ("StringLike", "h?me/*", "home/", True, False),
    ("StringLike", "h?me/*", "Home/", False, False),
    ("StringLike", "home", "home/a", False, False),
    ("StringLike", "a*c", "a\nc", True, False),
    ("StringLike", FINANCE, STORE, True, False),
    ("StringNotLike", "t1.*", "t1.micro", False, True),
    ("StringNotLike", "t1.*", "t2.micro", True, True),
    ("NumericEquals", "10", "10.0", True, False),
    ("NumericEquals", 10, "10", True, False),
    ("NumericEquals", 1.5, "1.50", True, False),
    ("NumericEquals", "10", "ten", False, False),
    ("NumericNotEquals", "10", "11", True, True),
    ("NumericNotEquals", "10", "10", False, True),
    ("NumericLessThan", "10", "9", True, False),
    ("NumericLessThan", "10", "10", False, False),
    ("NumericLessThan", "10", "-11", True, False),
    ("NumericLessThanEquals", "10", "10", True, False),
    ("NumericLessThanEquals", "10", "11", False, False),
    ("NumericGreaterThan", "9", "10", True, False),  # and not as texts, where "10" stands before "9"
    ("NumericGreaterThan", "10", "10", False, False),
    ("NumericGreaterThanEquals", "10", "10", True, False),
    ("NumericGreaterThanEquals", "10", "9.99", False, False),
    ("DateEquals", "2020-01-01T00:00:01Z", "1577836801", True, False),
    ("DateEquals", "2020-01-01", "2020-01-01T01:00:00+01:00", True, False),
    ("DateEquals", "2020-01", "2020-01-01T00:00Z", True, False),
    ("DateEquals", "2020-01-01T00:00:01.5Z", "1577836801.5", True, False),
    ("DateEquals", "2020-01-01", "2020-02-30", False, False),
    ("DateNotEquals", "2020-01-01", "2020-01-02", True, True),
    ("DateNotEquals", "2020-01-01", "2020-01-01T00:00:00Z", False, True),
    ("DateLessThan", "2020-06-30T23:59:59Z", "2020-06-30T23:59:58Z", True, False),
    ("DateLessThan", "2020-06-30T23:59:59Z", "2020-06-30T23:59:59Z", False, False),
    ("DateLessThanEquals", "2020-06-30T23:59:59Z", "2020-06-30T23:59:59Z", True, False),
    ("DateLessThanEquals", "2020-06-30T23:59:59Z", "2020-07-01T00:00:00Z", False, False),
    ("DateGreaterThan", "2020-01-01T00:00:01Z", "2020-01-01T00:00:02Z", True, False),
    ("DateGreaterThan", "2020-01-01T00:00:01Z", "2019-12-31T23:00:02-01:00", True, False),
    ("DateGreaterThan", "2020-01-01T00:00:01Z", "2020-01-01T00:00:01Z", False, False),
    ("DateGreaterThanEquals", "2020-01-01T00:00:01Z", "2020-01-01T00:00:01Z", True, False),
    ("DateGreaterThanEquals", "2020-01-01T00:00:01Z", "0", False, False),
    ("Bool", "false", "false", True, False),
    ("Bool", True, "False", False, False),
    ("Bool", "True", "TRUE", True, False),
    ("Bool", "false", "", False, False),
    ("BinaryEquals", "QmluYXJ5VmFsdWVJbkJhc2U2NA==", "QmluYXJ5VmFsdWVJbkJhc2U2NA==", True, False),
    ("BinaryEquals", "QmluYXJ5VmFsdWVJbkJhc2U2NA==", "QmluYXJ5VmFsdWVJbkJhc2U2NQ==", False, False),
    ("BinaryEquals", "QmluYXJ5VmFsdWVJbkJhc2U2NA==", "BinaryValueInBase64", False, False),
    ("IpAddress", "203.0.113.0/24", "203.0.113.255", True, False),
    ("IpAddress", "203.0.113.0/24", "203.0.114.0", False, False),
    ("IpAddress", "203.0.113.7", "203.0.113.7", True, False),
    ("IpAddress", "203.0.113.7", "203.0.113.8", False, False),
    ("IpAddress", ["203.0.113.0/24", "2001:DB8:1234:5678::/64"], "2001:db8:1234:5678:1::", True, False),
    ("IpAddress", "2001:DB8:1234:5678::/64", "203.0.113.1", False, False),
    ("IpAddress", "0.0.0.0/0", "::1", False, False),
    ("IpAddress", "203.0.113.0/24", "somewhere", False, False),
    ("NotIpAddress", "203.0.113.0/24", "203.0.113.9", False, True),
    ("NotIpAddress", "203.0.113.0/24", "203.0.114.9", True, True),
    ("NotIpAddress", "0.0.0.0/0", "203.0.114.9", False, True),
    ("NotIpAddress", "0.0.0.0/0", "2001:db8::1", True, True),
    ("ArnEquals", "arn:aws:sns:*:123456789012:TOPIC-ID", "arn:aws:sns:REGION:123456789012:TOPIC-ID", True, False),
    ("ArnEquals", FINANCE, STORE, False, False),
    ("ArnLike", FINANCE, STORE, False, False),
    ("ArnLike", "arn:aws:someservice:*:999999999999:store/*", STORE, True, False),
    ("ArnLike", "arn:aws:someservice:us-east-?:999999999999:*document.txt", STORE, True, False),
    ("ArnLike", "arn:aws:someservice:US-east-2:999999999999:store/*", STORE, False, False),
    ("ArnLike", "*", STORE, False, False),
    ("ArnNotEquals", FINANCE, STORE, True, True),
    ("ArnNotLike", "arn:aws:someservice:*:*:store/*", STORE, False, True),
    ("ArnNotLike", FINANCE, STORE, True, True),
    ("ArnNotLike", FINANCE, "no ARN", True, True),
]


def test_the_table_has_every_operator():
    assert {row[0].lower() for row in TABLE} == set(OPERATORS)


@pytest.mark.parametrize(("operator", "values", "given", "held", "without"), TABLE)
def test_an_operator_on_a_single_valued_key(operator: str, values: Any, given: str, held: bool, without: bool):  # noqa: FBT001  # table
    condition = {operator: {SINGLE: values}}
    assert holds(condition, {SINGLE.lower(): (given,)}) is held
    assert holds(condition, {}) is without
    assert holds({operator.swapcase(): {SINGLE.upper(): values}}, {SINGLE.lower(): (given,)}) is held


@pytest.mark.parametrize(("operator", "values", "given", "held", "without"), TABLE)
def test_if_exists_holds_without_the_key_and_is_the_operator_with_it(
    operator: str,
    values: Any,
    given: str,
    held: bool,  # noqa: FBT001  # a table's column
    without: bool,  # noqa: FBT001  # likewise
):
    condition = {f"{operator}IfExists": {SINGLE: values}}
    assert holds(condition, {SINGLE.lower(): (given,)}) is held
    assert holds(condition, {})


@pytest.mark.parametrize(("operator", "values", "given", "held", "without"), TABLE)
def test_set_operators_ask_of_each_value_what_the_operator_asks_of_one(
    operator: str,
    values: Any,
    given: str,
    held: bool,  # noqa: FBT001  # a table's column
    without: bool,  # noqa: FBT001  # likewise
):
    if not given:
        return
    facts = {MULTI.lower(): (given, given)}
    assert holds({f"ForAllValues:{operator}": {MULTI: values}}, facts) is held
    assert holds({f"ForAnyValue:{operator}": {MULTI: values}}, facts) is held
    assert holds({f"ForAllValues:{operator}": {MULTI: values}}, {})
    assert not holds({f"ForAnyValue:{operator}": {MULTI: values}}, {})


@pytest.mark.parametrize(
    ("flag", "present", "absent"), [("true", False, True), (True, False, True), ("false", True, False)]
)
def test_null_asks_whether_the_key_is_absent(flag: Any, present: bool, absent: bool):  # noqa: FBT001  # a table's columns
    assert holds({"Null": {SINGLE: flag}}, {SINGLE.lower(): ("",)}) is present
    assert holds({"Null": {MULTI: flag}}, {MULTI.lower(): ("a", "")}) is present
    assert holds({"Null": {SINGLE: flag}}, {}) is absent
    assert holds({"Null": {MULTI: flag}}, {MULTI.lower(): ()}) is absent
    assert holds({"Null": {MULTI: flag}}, {MULTI.lower(): ("",)}) is absent


@pytest.mark.parametrize(
    ("operator", "holding"),
    [
        pytest.param("ForAllValues:StringEquals", {"none", "empty", "one", "both"}, id="ForAllValues"),
        pytest.param("ForAnyValue:StringEquals", {"one", "both", "some"}, id="ForAnyValue"),
        pytest.param("ForAllValues:StringNotEquals", {"none", "empty", "other"}, id="ForAllValues not"),
        pytest.param("ForAnyValue:StringNotEquals", {"some", "other"}, id="ForAnyValue not"),
        pytest.param(
            "ForAnyValue:StringEqualsIfExists", {"none", "empty", "one", "both", "some"}, id="ForAnyValue IfExists"
        ),
        pytest.param("ForAllValues:StringEqualsIfExists", {"none", "empty", "one", "both"}, id="ForAllValues IfExists"),
    ],
)
def test_operators_on_a_multivalued_key(operator: str, holding: set[str]):
    condition = {operator: {MULTI: ["PostDateTime", "Message", "Tags"]}}
    given = {
        "none": (),
        "empty": ("",),
        "one": ("Tags",),
        "both": ("PostDateTime", "Message"),
        "some": ("PostDateTime", "UserName"),
        "other": ("UserName", "ID"),
    }
    assert {name for name, values in given.items() if holds(condition, {MULTI.lower(): values})} == holding


def test_all_operators_and_all_keys_of_a_condition_must_hold():
    condition = {"StringEquals": {SINGLE: "a", "kms:KeySpec": "b"}, "Null": {"kms:KeyUsage": "true"}}
    facts = {"kms:viaservice": ("a",), "kms:keyspec": ("b",)}
    assert holds(condition, facts)
    assert not holds(condition, facts | {"kms:keyspec": ("c",)})
    assert not holds(condition, facts | {"kms:keyusage": ("d",)})


def test_every_value_must_match_where_two_stand_under_one_single_valued_key():
    # Encryption contexts whose names differ by case alone are one condition key.
    facts = {"kms:encryptioncontext:purpose": ("kek", "other")}
    assert not holds({"StringEquals": {"kms:EncryptionContext:purpose": "kek"}}, facts)
    assert holds({"StringEquals": {"kms:EncryptionContext:purpose": ["kek", "other"]}}, facts)


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        (ROLE, True),
        (f"arn:aws:iam::{ACCOUNT}:role/*", True),
        ("arn:*:iam::*:role/wri?er", True),
        ("arn:aws:iam::*", False),
        ("arn:aws:iam:*:role/writer", False),
        ("*", False),
    ],
)
@pytest.mark.parametrize("operator", ["ArnEquals", "ArnLike"])
def test_arns_match_part_by_part(operator: str, pattern: str, matches: bool):  # noqa: FBT001  # a table's column
    assert holds({operator: {"aws:PrincipalArn": pattern}}, {}) is matches


def test_the_words_of_these_tests_are_single_and_multivalued():
    assert VOCABULARY.is_single(SINGLE.lower())
    assert VOCABULARY.is_multi(MULTI.lower())
