"""What the codes of Entra's errors ask an operator to do.

Microsoft lists the codes and says that they may change: they stand in hints only, and nothing is
decided by them, but for those that it calls transient or throttling.
"""

from oauthreg.plugin import Explanation


def credential(hint: str) -> Explanation:
    """The credential itself is refused."""
    return Explanation(category="credential", hint=hint)


def transient(hint: str) -> Explanation:
    """It passes by itself."""
    return Explanation(category="transient", retryable=True, hint=hint)


NO_APP = "Compare client-id, tenant and cloud with the app's page: this tenant has no such app."
BAD_ASSERTION = (
    "Upload the certificate to the app, and sign with its key and algorithm: PS256 and x5t#S256."
)
RESOURCE = "The tenant has no such resource: compare the part of scope before /.default."
CONSENT = "An administrator has to grant the app the API's permissions, and consent."
TENANT = "There is no such tenant in this cloud: compare tenant and cloud."
SHORTLY = "Entra failed for a moment."

CODES: dict[int, str | Explanation] = {
    700016: NO_APP,
    700011: NO_APP,
    70001: NO_APP,
    7000112: "The app is disabled in this tenant.",
    7000215: credential("Set client-secret to the secret's value: its id is not the secret."),
    7000222: credential("The client secret has expired: make a new one, or better a certificate."),
    7000218: "Give the registration a client-secret, a private key or an assertion-file.",
    900144: "A field of the request's body is missing.",
    700025: "The app is registered as a public client: set client-authentication-method to none.",
    700027: credential(BAD_ASSERTION),
    50012: credential(BAD_ASSERTION),
    700030: credential(BAD_ASSERTION),
    500011: RESOURCE,
    50001: RESOURCE,
    650057: RESOURCE,
    70011: "Set scope to one resource with /.default at its end.",
    28002: "Set scope to one resource with /.default at its end.",
    700022: "Ask for one resource at a time: a registration for each.",
    700023: "Set scope to the resource with /.default at its end.",
    901002: "This endpoint takes no resource: write it as scope, with /.default at its end.",
    650052: CONSENT,
    650056: CONSENT,
    65001: CONSENT,
    90094: CONSENT,
    53003: "A policy of Conditional Access blocks the app: look at the tenant's sign-in logs.",
    530032: "A policy of Conditional Access blocks the app: look at the tenant's sign-in logs.",
    9001023: "Set tenant to the tenant's id or domain: common has no apps of its own.",
    90124: "Set tenant to the tenant's id or domain: common has no apps of its own.",
    90130: "Set tenant to the tenant's id or domain: common has no apps of its own.",
    90002: TENANT,
    90038: TENANT,
    900382: TENANT,
    70021: Explanation(
        category="propagation",
        retryable=True,
        hint="No federated credential of the app fits the assertion's issuer, subject and "
        "audience. A new one counts only after minutes.",
    ),
    700229: "Only an app's own token may be its federated credential, not a user's.",
    90033: transient(SHORTLY),
    90024: transient(SHORTLY),
    90006: transient(SHORTLY),
    90012: transient(SHORTLY),
    90055: transient("Entra throttles the app: share its tokens instead of asking for more."),
    50196: transient("Entra throttles the app: it asks for the same token again and again."),
    51000: "The app is not enabled for this feature, such as client authentication by TLS.",
}
HINTS = {f"*: AADSTS{code}:": found for code, found in CODES.items()}
