"""The test suites of the SDKs and clients that we wrap, without the guard and with it: `make peers`."""
