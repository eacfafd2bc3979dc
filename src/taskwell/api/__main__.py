"""`python -m taskwell.api` prints the OpenAPI description, and `make openapi` writes it to contracts/."""

import json

from taskwell.api import description

print(json.dumps(description(), indent=2, ensure_ascii=False))
