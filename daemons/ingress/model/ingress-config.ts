/** What nginx shall do, before it is text. Every string in here was checked by the parser that put it there. */
export interface IngressConfig {
  listenAddress: string
  httpPort: number
  httpsPort: number
  /** Some server has a certificate: then all listen on the HTTPS port, those without one with the fallback. */
  tls: boolean
  servers: readonly ServerBlock[]
  upstreams: readonly Upstream[]
  /** Where requests go that no rule takes; undefined: 404. */
  defaultBackend: Route | undefined
}

export interface ServerBlock {
  /** `web.example`, `*.example` or '' for requests to any other name. */
  host: string
  /** `namespace/name` of the Secret whose certificate is shown; undefined: the fallback one. */
  certificate: string | undefined
  locations: readonly Location[]
}

export interface Location {
  /** `exact`: the path alone; `elements`: the path and everything below it; `text`: whatever begins so; `regex`. */
  match: 'exact' | 'elements' | 'text' | 'regex'
  path: string
  route: Route
}

export interface Route extends LocationSettings {
  /** `namespace/name` of the Ingress, for the comment and for messages. */
  ingress: string
  /** Name of an upstream; undefined: there is nobody to answer, 503. */
  upstream: string | undefined
}

export interface Upstream {
  /** `default-hello-80` */
  name: string
  /** `10.244.0.3:8080` */
  servers: readonly string[]
}

/** What annotations may set. */
export interface LocationSettings {
  /** The path the backend is asked for; may hold $1 to $9 of the location's regular expression. */
  rewriteTarget: string | undefined
  useRegex: boolean
  sslRedirect: boolean
  forceSslRedirect: boolean
  connectTimeoutSeconds: number
  readTimeoutSeconds: number
  sendTimeoutSeconds: number
  /** As nginx writes it: `1m`; `0`: no limit. */
  bodySize: string
  backendProtocol: 'http' | 'https'
}

/** Why an Ingress, or a part of it, is not in force. */
export interface IngressProblem {
  ingress: string
  /** `metadata.annotations[…]` or `spec.rules[0].…` */
  field: string
  message: string
  /** The whole Ingress is refused: its last good state stays in force. */
  rejects: boolean
}
