"""One function a client or framework: makes one call to a target, as its own documentation shows it.

Each imports its library when it is called, since they do not all install together.
"""
