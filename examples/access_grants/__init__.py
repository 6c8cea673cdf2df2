"""Break-glass access during an incident: who asked for what, why, who decided. A second domain of records."""
