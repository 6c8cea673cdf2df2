"""The key hierarchy: root key -> KEK -> DEK, with its cache and the KMS adapter."""
