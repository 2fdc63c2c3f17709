"""Pod templates of Spark on Kubernetes: nobody is root, and nothing but the lake can be written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

#: What is meant by them is made by who runs the cluster.
NAMESPACE, ACCOUNT, CLAIM = "headgate", "headgate-spark", "headgate-lake"
_USER = 10_001


def driver(image: str) -> Mapping[str, Any]:
    """The driver's pod, in which `headgate run` runs."""
    return _pod("driver", "spark-kubernetes-driver", image)


def executor(image: str) -> Mapping[str, Any]:
    """An executor's pod."""
    return _pod("executor", "spark-kubernetes-executor", image)


def text(pod: Mapping[str, Any]) -> str:
    """A pod as a file has it."""
    return yaml.safe_dump(dict(pod), sort_keys=False)


def _pod(role: str, container: str, image: str) -> Mapping[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"labels": {"app.kubernetes.io/part-of": "headgate", "headgate/role": role}},
        "spec": {
            "automountServiceAccountToken": role == "driver",
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": _USER,
                "runAsGroup": _USER,
                "fsGroup": _USER,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": container,
                    "image": image,
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                    },
                    "env": [{"name": "HEADGATE_ROOT", "value": "/opt/headgate"}],
                }
            ],
        },
    }
