"""The functions as Lambda calls them, for the examples that are built on `twinvault_http`."""

from tests.service.conftest import issuer, operator_of_kms, service

__all__ = ["issuer", "operator_of_kms", "service"]
