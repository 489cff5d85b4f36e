# The rest of the folder is private; type checkers find this part of it only if it is here.
from otel.testing import check as check
