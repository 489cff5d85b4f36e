"""What fuzzing found worth keeping: inputs, by target, and how long was tried."""
