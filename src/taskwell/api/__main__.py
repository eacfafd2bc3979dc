"""`python -m taskwell.api` prints the OpenAPI description, and `make openapi` writes it to contracts/."""

import json

from taskwell.api import routes
from taskwell.api.openapi import describe

print(json.dumps(describe(routes().routes), indent=2, ensure_ascii=False))
