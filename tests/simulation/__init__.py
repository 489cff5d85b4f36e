"""A simulated fleet: years of a session's life, thread by thread and process by process, from one seed."""
