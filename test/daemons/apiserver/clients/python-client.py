"""Drives an API server with Kubernetes' Python client; prints what each step saw, a line of JSON a step."""

import json
import sys

from kubernetes import client, config, dynamic, watch

config.load_kube_config(config_file=sys.argv[1])
core = client.CoreV1Api()
namespace = "default"


def tell(step, value):
    print(json.dumps({"step": step, "value": value}))


def failure(call, *args):
    try:
        call(*args)
    except client.exceptions.ApiException as error:
        return [error.status, json.loads(error.body)["reason"]]
    return []


def config_map(name, data, labels=None):
    return client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name, labels=labels), data=data)


made = core.create_namespaced_config_map(namespace, config_map("py", {"n": "1"}))
tell("made", [made.metadata.name, made.metadata.creation_timestamp.utcoffset().total_seconds(), made.data])
tell("again", failure(core.create_namespaced_config_map, namespace, config_map("py", {})))
tell("patched", core.patch_namespaced_config_map("py", namespace, {"data": {"m": "2"}}).data)
tell("json patch", core.patch_namespaced_config_map("py", namespace, [{"op": "remove", "path": "/data/n"}]).data)
made.data = {"n": "3"}
tell("stale", failure(core.replace_namespaced_config_map, "py", namespace, made))

for name in ["p1", "p2", "p3"]:
    core.create_namespaced_config_map(namespace, config_map(name, {}, {"page": "yes"}))
pages, token = [], None
while token != "":
    page = core.list_namespaced_config_map(namespace, label_selector="page=yes", limit=2, _continue=token)
    pages.append([item.metadata.name for item in page.items])
    token = page.metadata._continue or ""
tell("pages", pages)

since = core.list_namespaced_config_map(namespace).metadata.resource_version
core.delete_namespaced_config_map("p1", namespace)
core.delete_collection_namespaced_config_map(namespace, label_selector="page=yes")
events = []
for event in watch.Watch().stream(
    core.list_namespaced_config_map, namespace, label_selector="page=yes", resource_version=since, timeout_seconds=20
):
    events.append([event["type"], event["object"].metadata.name])
    if len(events) == 3:
        break
tell("watched", events)
tell("missing", failure(core.read_namespaced_config_map, "p1", namespace))

any_kind = dynamic.DynamicClient(client.ApiClient())
leases = any_kind.resources.get(api_version="coordination.k8s.io/v1", kind="Lease")
lease = {
    "apiVersion": "coordination.k8s.io/v1",
    "kind": "Lease",
    "metadata": {"name": "py"},
    "spec": {"holderIdentity": "me", "renewTime": "2026-01-02T03:04:05.678901Z"},
}
# This version of the client sends an apply only of a body that is text already.
applied = leases.server_side_apply(body=json.dumps(lease), name="py", namespace=namespace, field_manager="py")
tell("lease", applied.spec.renewTime)
tell("version", client.VersionApi().get_code().minor)
