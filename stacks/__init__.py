"""What this project deploys, with the constructs of ``twinvault_cdk``."""
