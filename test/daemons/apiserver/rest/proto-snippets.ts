import protobuf from 'protobufjs'

/**
 * Parts of Kubernetes' generated.proto files, written out by hand: what an independent decoder of the wire knows. Only
 * the fields that the tests look at.
 */
const text = `
syntax = "proto2";
message TypeMeta { optional string apiVersion = 1; optional string kind = 2; }
message Unknown {
  optional TypeMeta typeMeta = 1;
  optional bytes raw = 2;
  optional string contentEncoding = 3;
  optional string contentType = 4;
}
message RawExtension { optional bytes raw = 1; }
message WatchEvent { optional string type = 1; optional RawExtension object = 2; }
message Time { optional int64 seconds = 1; optional int32 nanos = 2; }
message Quantity { optional string string = 1; }
message IntOrString { optional int64 type = 1; optional int32 intVal = 2; optional string strVal = 3; }
message FieldsV1 { optional bytes Raw = 1; }
message ManagedFieldsEntry {
  optional string manager = 1;
  optional string operation = 2;
  optional string apiVersion = 3;
  optional Time time = 4;
  optional string fieldsType = 6;
  optional FieldsV1 fieldsV1 = 7;
  optional string subresource = 8;
}
message ObjectMeta {
  optional string name = 1;
  optional string generateName = 2;
  optional string namespace = 3;
  optional string uid = 5;
  optional string resourceVersion = 6;
  optional int64 generation = 7;
  optional Time creationTimestamp = 8;
  optional Time deletionTimestamp = 9;
  map<string, string> labels = 11;
  map<string, string> annotations = 12;
  repeated string finalizers = 14;
  repeated ManagedFieldsEntry managedFields = 17;
}
message ListMeta {
  optional string selfLink = 1;
  optional string resourceVersion = 2;
  optional string continue = 3;
  optional int64 remainingItemCount = 4;
}
message StatusCause { optional string reason = 1; optional string message = 2; optional string field = 3; }
message StatusDetails {
  optional string name = 1;
  optional string group = 2;
  optional string kind = 3;
  repeated StatusCause causes = 4;
  optional int32 retryAfterSeconds = 5;
  optional string uid = 6;
}
message Status {
  optional ListMeta metadata = 1;
  optional string status = 2;
  optional string message = 3;
  optional string reason = 4;
  optional StatusDetails details = 5;
  optional int32 code = 6;
}
message PartialObjectMetadata { optional ObjectMeta metadata = 1; }
message PartialObjectMetadataList { optional ListMeta metadata = 1; repeated PartialObjectMetadata items = 2; }
message ConfigMap {
  optional ObjectMeta metadata = 1;
  map<string, string> data = 2;
  map<string, bytes> binaryData = 3;
  optional bool immutable = 4;
}
message ConfigMapList { optional ListMeta metadata = 1; repeated ConfigMap items = 2; }
message EmptyDirVolumeSource { optional string medium = 1; optional Quantity sizeLimit = 2; }
message VolumeSource { optional EmptyDirVolumeSource emptyDir = 2; }
message Volume { optional string name = 1; optional VolumeSource volumeSource = 2; }
message ContainerPort {
  optional string name = 1;
  optional int32 hostPort = 2;
  optional int32 containerPort = 3;
  optional string protocol = 4;
}
message ResourceRequirements { map<string, Quantity> limits = 1; map<string, Quantity> requests = 2; }
message TCPSocketAction { optional IntOrString port = 1; }
message ProbeHandler { optional TCPSocketAction tcpSocket = 3; }
message Probe { optional ProbeHandler handler = 1; optional int32 periodSeconds = 4; }
message Container {
  optional string name = 1;
  optional string image = 2;
  repeated string command = 3;
  repeated ContainerPort ports = 6;
  optional ResourceRequirements resources = 8;
  optional Probe livenessProbe = 10;
  optional bool stdin = 16;
}
message PodSpec {
  repeated Volume volumes = 1;
  repeated Container containers = 2;
  optional string restartPolicy = 3;
  optional int64 terminationGracePeriodSeconds = 4;
  map<string, string> nodeSelector = 7;
  optional bool hostNetwork = 11;
  optional int32 priority = 25;
}
message PodStatus { optional string phase = 1; optional string qosClass = 9; }
message Pod { optional ObjectMeta metadata = 1; optional PodSpec spec = 2; optional PodStatus status = 3; }
message PodList { optional ListMeta metadata = 1; repeated Pod items = 2; }
message PodTemplateSpec { optional ObjectMeta metadata = 1; optional PodSpec spec = 2; }
message LabelSelector { map<string, string> matchLabels = 1; }
message RollingUpdateDeployment { optional IntOrString maxUnavailable = 1; optional IntOrString maxSurge = 2; }
message DeploymentStrategy { optional string type = 1; optional RollingUpdateDeployment rollingUpdate = 2; }
message DeploymentSpec {
  optional int32 replicas = 1;
  optional LabelSelector selector = 2;
  optional PodTemplateSpec template = 3;
  optional DeploymentStrategy strategy = 4;
  optional int32 minReadySeconds = 5;
  optional int32 revisionHistoryLimit = 6;
  optional bool paused = 7;
}
message Deployment { optional ObjectMeta metadata = 1; optional DeploymentSpec spec = 2; }
message ScaleSpec { optional int32 replicas = 1; }
message ScaleStatus { optional int32 replicas = 1; optional string selector = 2; }
message Scale { optional ObjectMeta metadata = 1; optional ScaleSpec spec = 2; optional ScaleStatus status = 3; }
message Verbs { repeated string items = 1; }
message APIResource { optional string name = 1; optional bool namespaced = 2; optional string kind = 3; optional Verbs verbs = 4; }
message APIResourceList { optional string groupVersion = 1; repeated APIResource resources = 2; }
message UserInfo { optional string username = 1; optional string uid = 2; repeated string groups = 3; }
message SelfSubjectReviewStatus { optional UserInfo userInfo = 1; }
message SelfSubjectReview { optional ObjectMeta metadata = 1; optional SelfSubjectReviewStatus status = 2; }
message Preconditions { optional string uid = 1; optional string resourceVersion = 2; }
message DeleteOptions {
  optional int64 gracePeriodSeconds = 1;
  optional Preconditions preconditions = 2;
  optional bool orphanDependents = 3;
  optional string propagationPolicy = 4;
  repeated string dryRun = 5;
}
`

const { root } = protobuf.parse(text, { keepCase: true })

export type Plain = Record<string, unknown>

/** What protobufjs reads, with 64-bit numbers as numbers and bytes as base64. */
export const readAs = (message: string, bytes: Uint8Array): Plain => {
  const type = root.lookupType(message)
  return type.toObject(type.decode(bytes), { longs: Number, bytes: String })
}

export const writeAs = (message: string, object: Plain): Buffer => {
  const type = root.lookupType(message)
  return Buffer.from(type.encode(type.fromObject(object)).finish())
}

const magic = Buffer.from('k8s\0')

/** An application/vnd.kubernetes.protobuf body. */
export const seal = (apiVersion: string, kind: string, object: Plain): Buffer =>
  Buffer.concat([
    magic,
    writeAs('Unknown', { typeMeta: { apiVersion, kind }, raw: writeAs(kind, object).toString('base64') }),
  ])

/** What an answer in protobuf holds: its type, and the object by the snippets. */
export const unseal = (body: Uint8Array): { apiVersion: string; kind: string; object: Plain } => {
  if (!Buffer.from(body.subarray(0, 4)).equals(magic)) throw new Error('no envelope')
  const unknown = readAs('Unknown', body.subarray(4)) as { typeMeta: { apiVersion: string; kind: string }; raw: string }
  const { apiVersion, kind } = unknown.typeMeta
  return { apiVersion, kind, object: readAs(kind, Buffer.from(unknown.raw, 'base64')) }
}

/** The events of a watch: frames of four bytes of length and a WatchEvent. An unfinished frame at the end is left. */
export const unframe = (stream: Buffer): { type: string; apiVersion: string; kind: string; object: Plain }[] => {
  const events = []
  for (let at = 0; at + 4 <= stream.length;) {
    const end = at + 4 + stream.readUInt32BE(at)
    if (end > stream.length) break
    const event = readAs('WatchEvent', stream.subarray(at + 4, end)) as { type: string; object: { raw: string } }
    events.push({ type: event.type, ...unseal(Buffer.from(event.object.raw, 'base64')) })
    at = end
  }
  return events
}
