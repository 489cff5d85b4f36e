"""Policy, recognition, the session's life, gate, bus, decision, counters, records: knows no SDK."""
