"""What was deployed, compared with what was synthesized: tables and keys, setting by setting."""
