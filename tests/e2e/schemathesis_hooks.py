"""What schemathesis needs to be told: how NDJSON is written."""
import json

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def ndjson(ctx, value):
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()
