"""The cloud platform that Spring Boot believes to run on, for `on-cloud-platform`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oauthreg._sources.spring_names import parsed

if TYPE_CHECKING:
    from oauthreg._sources.spring_binding import Binder
    from oauthreg._sources.spring_properties import Properties

_ALL = (
    "none",
    "cloud_foundry",
    "heroku",
    "sap",
    "nomad",
    "kubernetes",
    "azure_app_service",
    "aws_ecs",
)
PLATFORMS = {parsed(name).key: name for name in _ALL}
"""The platforms, by the keys of their names."""

_VARIABLES: dict[str, list[tuple[str, ...]]] = {
    "cloud_foundry": [("VCAP_APPLICATION",), ("VCAP_SERVICES",)],
    "heroku": [("DYNO",)],
    "sap": [("HC_LANDSCAPE",)],
    "nomad": [("NOMAD_ALLOC_ID",)],
    "kubernetes": [("KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT")],
    "azure_app_service": [
        ("WEBSITE_SITE_NAME", "WEBSITE_INSTANCE_ID", "WEBSITE_RESOURCE_GROUP", "WEBSITE_SKU")
    ],
}


def platform_of(binder: Binder, variables: Properties) -> str:
    """Return the platform that `spring.main.cloud-platform` names, else what variables tell."""
    named = binder.text("spring.main.cloud-platform")
    if named is not None:
        word = str(named.value).lower()
        if word in _ALL or named.entry.origin.kind == "spring-variable":
            return word if word in _ALL else "none"
    for platform, alternatives in _VARIABLES.items():
        if any(all(name in variables.by_text for name in names) for names in alternatives):
            return platform
        if platform == "kubernetes" and _has_services(variables):
            return platform
    aws = variables.exact("AWS_EXECUTION_ENV")
    return "aws_ecs" if aws is not None and aws.text.startswith("AWS_ECS") else "none"


def _has_services(variables: Properties) -> bool:
    hosts = (name for name in variables.by_text if name.endswith("_SERVICE_HOST"))
    return any(f"{name.removesuffix('HOST')}PORT" in variables.by_text for name in hosts)
