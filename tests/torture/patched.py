"""`python -m tests.torture.patched JSON`: a process of the soak whose threads are gevent's."""

# ruff: noqa: E402 - gevent patches before anything else is imported
from gevent import monkey

monkey.patch_all()

import json
import sys

from tests.torture.task import Task
from tests.torture.worker import main

if __name__ == "__main__":
    main(Task(**json.loads(sys.argv[1])))
