"""The model that is the code: every order of events, run through the real transition function and replica."""
