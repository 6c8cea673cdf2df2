"""What moto's KMS (5.2.5) does not do as AWS does: the reason, and the checks that show it.

A check named without its parameters fails with all of them. Each is a strict expected failure: when moto learns it, the
comparison says so.
"""

_REASONS: dict[str, list[str]] = {
    "its ciphertexts join names and values of the context without delimiters": [
        "test_contexts::test_decrypt_refuses_another_context[characters moved from value to name]",
        "test_contexts::test_decrypt_refuses_another_context[empty name]",
        "test_contexts::test_contexts_that_look_alike_are_others[pairs run together]",
    ],
    "it uses disabled keys and keys pending deletion as if they were enabled": [
        "test_states::test_a_disabled_key_is_not_used",
        "test_states::test_a_disabled_key_does_not_decrypt",
        "test_states::test_a_disabled_key_does_not_re_encrypt",
        "test_states::test_a_key_pending_deletion_is_not_used",
        "test_states::test_a_key_pending_deletion_does_not_decrypt",
        "test_states::test_a_key_pending_deletion_is_not_changed",
        "test_states::test_only_a_deletion_that_is_pending_can_be_cancelled",
        "test_states::test_an_alias_moves_away_from_a_key_pending_deletion",
        "test_signatures::test_a_disabled_key_neither_signs_nor_shows_its_public_half",
    ],
    "it ignores the Deny statements of key policies": [
        "test_policies::test_a_deny_wins_over_an_allow",
        "test_policies::test_a_condition_that_holds_denies",
    ],
    "it takes any text as a key policy": [
        "test_policies::test_a_malformed_policy_is_refused",
        "test_policies::test_a_condition_that_cannot_be_meant_is_refused",
        "test_policies::test_a_policy_that_locks_its_author_out_is_refused",
        "test_policies::test_a_policy_has_at_most_32_kilobytes",
    ],
    "it ignores DryRun": [
        "test_ciphertexts::test_dry_runs_end_in_their_own_error",
        "test_ciphertexts::test_a_dry_run_says_no_where_the_run_would",
        "test_ciphertexts::test_a_dry_run_may_leave_the_ciphertext_out",
        "test_data_keys::test_a_dry_run_makes_no_data_key",
        "test_grants::test_a_dry_run_makes_and_revokes_nothing",
        "test_signatures::test_dry_runs_neither_sign_nor_compute",
    ],
    "it answers a wrong KeyId with AccessDeniedException, and ignores SourceKeyId": [
        "test_ciphertexts::test_decrypt_refuses_another_key",
        "test_ciphertexts::test_re_encrypt_refuses_another_source",
        "test_ciphertexts::test_what_is_no_ciphertext_is_refused[zeros]",
    ],
    "it does not check the usage of a key or its algorithms": [
        "test_ciphertexts::test_encrypt_refuses_an_algorithm_of_other_keys",
        "test_ciphertexts::test_rsa_refuses_a_longer_text",
        "test_ciphertexts::test_rsa_needs_its_key_named",
        "test_ciphertexts::test_rsa_refuses_a_changed_ciphertext",
        "test_contexts::test_asymmetric_keys_take_no_context",
        "test_data_keys::test_other_keys_make_no_data_keys",
        "test_signatures::test_keys_for_something_else_do_not_sign",
        "test_signatures::test_keys_for_something_else_do_not_encrypt",
        "test_signatures::test_symmetric_keys_have_no_public_half",
        "test_signatures::test_a_mac_key_has_one_algorithm",
        "test_rotation::test_other_keys_do_not_rotate",
        "test_aliases::test_an_alias_does_not_move_to_a_key_of_another_kind",
    ],
    "it answers a signature that does not verify with SignatureValid false": [
        "test_signatures::test_another_message_does_not_verify",
    ],
    "it has no Ed25519 keys": [
        "test_signatures::test_what_is_signed_verifies[Ed25519]",
        "test_signatures::test_an_ed25519_signature_is_that_of_rfc_8032",
    ],
    "it has no GenerateDataKeyPair": [
        "test_data_keys::test_a_key_pair_fits_together",
    ],
    "it has no import of key material": [
        "test_imports::test_a_key_waits_for_its_material",
        "test_imports::test_a_key_without_material_cannot_be_switched",
        "test_imports::test_imported_material_makes_the_key_usable",
        "test_imports::test_deleted_material_comes_back_by_the_same_import",
        "test_imports::test_other_material_is_refused_in_its_place",
        "test_imports::test_new_material_waits_for_a_rotation",
        "test_imports::test_a_rotation_needs_new_material",
        "test_imports::test_imported_keys_do_not_rotate_by_themselves",
        "test_imports::test_material_may_expire",
        "test_imports::test_an_expiry_against_the_rules_is_refused",
        "test_imports::test_material_of_another_length_is_refused",
        "test_imports::test_a_token_of_another_key_is_refused",
        "test_imports::test_material_that_does_not_unwrap_is_refused",
        "test_imports::test_keys_of_aws_take_no_material",
        "test_imports::test_an_imported_hmac_key_computes",
        "test_imports::test_an_imported_private_key_signs",
    ],
    "it knows no key materials": [
        "test_data_keys::test_a_data_key_names_its_key_material",
        "test_keys::test_a_key_names_its_current_material",
        "test_rotation::test_a_rotation_on_demand_gives_new_material_and_keeps_the_old",
        "test_rotation::test_rotations_are_listed",
    ],
    "its rotation has neither period nor limits, and names no key": [
        "test_rotation::test_rotation_is_off_at_first",
        "test_rotation::test_rotation_comes_every_365_days_by_default",
        "test_rotation::test_the_period_can_be_chosen",
        "test_rotation::test_the_period_has_limits",
        "test_rotation::test_a_key_is_rotated_on_demand_25_times",
    ],
    "it does not check deletion windows, nor answer with state and window": [
        "test_states::test_a_window_of_7_to_30_days_is_taken",
        "test_states::test_the_window_is_30_days_by_default",
        "test_states::test_another_window_is_refused",
        "test_states::test_a_cancelled_deletion_leaves_the_key_disabled",
    ],
    "it takes parameters against the service model's limits": [
        "test_aliases::test_a_name_against_the_rules_is_refused[prefix alone]",
        "test_aliases::test_a_name_against_the_rules_is_refused[too long]",
        "test_aliases::test_a_name_against_the_rules_is_refused[reserved]",
        "test_data_keys::test_random_bytes_have_limits[none]",
        "test_keys::test_a_key_that_cannot_be_is_refused[no such origin]",
        "test_keys::test_a_key_that_cannot_be_is_refused[description too long]",
        "test_keys::test_an_unknown_marker_is_refused",
        "test_keys::test_tags_have_rules",
        "test_signatures::test_a_digest_of_another_length_is_refused",
        "test_signatures::test_a_message_has_limits[4097 bytes]",
    ],
    "it makes keys whose usage does not fit their spec": [
        "test_keys::test_a_key_that_cannot_be_is_refused[HMAC without usage]",
        "test_keys::test_a_key_that_cannot_be_is_refused[RSA without usage]",
        "test_keys::test_a_key_that_cannot_be_is_refused[HMAC for encryption]",
        "test_keys::test_a_key_that_cannot_be_is_refused[curve for encryption]",
        "test_keys::test_a_key_that_cannot_be_is_refused[symmetric for signatures]",
    ],
    "it takes the region of an ARN for its own": [
        "test_keys::test_a_key_of_another_region_is_not_found",
    ],
    "its management operations know ids alone, or aliases too": [
        "test_keys::test_management_takes_an_arn[disable_key]",
        "test_keys::test_management_takes_an_arn[enable_key]",
        "test_keys::test_management_takes_an_arn[schedule_key_deletion]",
        "test_keys::test_management_takes_no_alias[list_grants]",
    ],
    "its answers lack members that AWS's have, or hold an id for an ARN": [
        "test_contexts::test_the_same_context_opens",
        "test_keys::test_a_key_is_symmetric_and_enabled_by_default",
        "test_keys::test_a_key_says_what_it_is_for[MacAlgorithms]",
        "test_signatures::test_the_public_key_verifies_elsewhere",
        "test_signatures::test_a_mac_verifies",
    ],
    "its grants are made anew each time, are not filtered, and are not checked": [
        "test_grants::test_a_grant_is_listed_as_it_was_made",
        "test_grants::test_a_named_grant_is_made_once",
        "test_grants::test_grants_are_found_by_id_and_grantee",
        "test_grants::test_retiring_needs_a_grant_named",
        "test_grants::test_a_made_up_token_is_refused",
        "test_grants::test_a_grant_against_the_rules_is_refused",
        "test_grants::test_a_grant_on_an_hmac_key_takes_no_context",
    ],
    "it serves HTTP otherwise: HTML for errors, no check of signatures, request ids of another form": [
        "test_wire::test_every_answer_has_a_request_id",
        "test_wire::test_answers_are_json_1_1",
        "test_wire::test_an_unknown_operation_is_refused",
        "test_wire::test_what_cannot_be_read_is_a_serialization_error",
        "test_wire::test_text_that_is_not_base64_is_a_serialization_error",
        "test_wire::test_a_required_member_is_required",
        "test_wire::test_a_request_needs_a_signature",
        "test_wire::test_a_malformed_signature_is_refused",
        "test_wire::test_a_signature_for_another_service_is_refused",
    ],
}
_BY_CHECK = {check: reason for reason, checks in _REASONS.items() for check in checks}


def miss(check: str) -> str | None:
    """Return why moto fails this check (`file::test[parameters]`), or None if it passes."""
    return _BY_CHECK.get(check) or _BY_CHECK.get(check.partition("[")[0])
