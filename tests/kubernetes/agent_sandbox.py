"""What the objects of kubernetes-sigs/agent-sandbox may have, by its published types, v0.5.6.

Pods, claims of volumes and network policies inside of them are Kubernetes' own, and checked by its schemas.
"""

from typing import Any

import jsonschema
import kubernetes_validate

from tests.harness.manifests import Object

CORE, EXTENSIONS = "agents.x-k8s.io/v1beta1", "extensions.agents.x-k8s.io/v1beta1"
VERSIONS = {CORE, EXTENSIONS}


def _object(required: str = "", **properties: Any) -> Any:
    return {
        "type": "object", "properties": properties, "required": required.split(),
        "additionalProperties": False,
    }  # fmt: skip


def _one_of(*values: str) -> Any:
    return {"enum": list(values)}


TEXT: Any = {"type": "string"}
FLAG: Any = {"type": "boolean"}
COUNT: Any = {"type": "integer", "minimum": 0}
TEXTS: Any = {"type": "object", "additionalProperties": TEXT}
ANY: Any = {"type": "object"}
LIST: Any = {"type": "array", "items": ANY}
LABELS = _object(labels=TEXTS, annotations=TEXTS)
CLAIMS: Any = {
    "type": "array",
    "items": _object("spec", metadata=_object(name=TEXT, labels=TEXTS, annotations=TEXTS), spec=ANY),
}
BLUEPRINT = {
    "podTemplate": _object("spec", metadata=LABELS, spec=ANY),
    "volumeClaimTemplates": CLAIMS,
    "service": FLAG,
}
SPECS: dict[tuple[str, str], Any] = {
    (CORE, "Sandbox"): _object(
        "podTemplate", **BLUEPRINT,
        operatingMode=_one_of("Running", "Suspended"),
        shutdownTime=TEXT,
        shutdownPolicy=_one_of("Delete", "Retain"),
    ),
    (EXTENSIONS, "SandboxTemplate"): _object(
        "podTemplate", **BLUEPRINT,
        networkPolicy=_object(ingress=LIST, egress=LIST),
        networkPolicyManagement=_one_of("Managed", "Unmanaged"),
        envVarsInjectionPolicy=_one_of("Allowed", "Overrides", "Disallowed"),
        volumeClaimTemplatesPolicy=_one_of("Allowed", "Overrides", "Disallowed"),
    ),
    (EXTENSIONS, "SandboxWarmPool"): _object(
        "sandboxTemplateRef",
        replicas=COUNT,
        sandboxTemplateRef=_object("name", name=TEXT),
        updateStrategy=_object(type=_one_of("Recreate", "OnReplenish")),
    ),
    (EXTENSIONS, "SandboxClaim"): _object(
        "warmPoolRef",
        warmPoolRef=_object("name", name=TEXT),
        lifecycle=_object(
            shutdownTime=TEXT,
            ttlSecondsAfterFinished=COUNT,
            shutdownPolicy=_one_of("Delete", "DeleteForeground", "Retain"),
        ),
        additionalPodMetadata=LABELS,
        env={"type": "array", "items": _object("name value", name=TEXT, value=TEXT, containerName=TEXT)},
        volumeClaimTemplates=CLAIMS,
    ),
}  # fmt: skip
METADATA = _object("name", name=TEXT, namespace=TEXT, labels=TEXTS, annotations=TEXTS)


def check(one: Object) -> None:
    """Compare an object with its type; an unknown kind is a KeyError.

    Raises:
        kubernetes_validate.ValidationError: it differs.
    """
    spec = SPECS[one["apiVersion"], one["kind"]]
    whole = _object("apiVersion kind metadata spec", apiVersion=TEXT, kind=TEXT, metadata=METADATA, spec=spec)
    try:
        jsonschema.Draft202012Validator(whole).validate(one)
    except jsonschema.ValidationError as error:
        raise kubernetes_validate.ValidationError(error, "v0.5.6") from error
