"""What is known of each provider, so that its row in TASKWELL_ISSUERS needs only the tenant's address."""

from typing import Any, Final
from urllib.parse import urlsplit


def rows_of_presets(base: str) -> dict[str, dict[str, Any]]:
    """The fields of an issuer's row, by the name of its preset. `base` is the tenant's address without a final slash."""
    address = urlsplit(base)
    origin = f"{address.scheme}://{address.netloc}"
    not_banned = {"banned": [None, False]}  # Better Auth puts its whole user into the token
    return {
        "better-auth": {
            # It calls itself by its origin also where its baseURL has a path, which then stands for /api/auth.
            "issuer": origin,
            "jwks_url": f"{base}/jwks" if address.path else f"{base}/api/auth/jwks",
            "algorithms": ["EdDSA", "ES256", "ES512", "RS256", "PS256"],
            "audience": origin,
            "required_claims": not_banned,
        },
        "clerk": {
            "issuer": base,
            "jwks_url": f"{base}/.well-known/jwks.json",
            "algorithms": ["RS256"],
            "required_claims": {"sts": ["active", None]},  # "pending": the sign-in is not complete
            "any_party": True,  # no `aud` by default, and `azp` only where a browser sent an Origin
        },
        "auth0": {
            "issuer": f"{base}/",
            "jwks_url": f"{base}/.well-known/jwks.json",
            "algorithms": ["RS256"],
            "audience": "taskwell",
        },
        "supabase": {
            "issuer": f"{base}/auth/v1",
            "jwks_url": f"{base}/auth/v1/.well-known/jwks.json",
            "algorithms": ["ES256", "RS256"],
            "audience": "authenticated",
            "required_claims": {"role": "authenticated"},  # not anon, not service_role
        },
        "neon-auth": {
            "issuer": origin,
            "jwks_url": f"{base}/.well-known/jwks.json",
            "algorithms": ["EdDSA"],
            "audience": origin,
            "required_claims": not_banned,
        },
        "keycloak": {
            "issuer": base,
            "jwks_url": f"{base}/protocol/openid-connect/certs",
            "algorithms": ["RS256"],
            "audience": "taskwell",
            "required_claims": {"typ": "Bearer"},  # ID and refresh tokens are signed by the same keys
        },
    }


PRESETS: Final = tuple(rows_of_presets("https://tenant.example"))
