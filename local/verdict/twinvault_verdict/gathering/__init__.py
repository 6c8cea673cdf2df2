"""What a verdict is judged from, fetched: git, the templates, the artifact's contents, the evidence files."""
