import type { IngressConfig, Location, Route, ServerBlock } from '../model/ingress-config.ts'
import { block, directive, renderDirectives, type Directive } from './directive.ts'

export interface NginxSettings {
  /** Everything of this nginx lies below: pid, temporary files, certificates. */
  prefix: string
  workers: number
  /** User of the worker processes; undefined: the one nginx was built with. */
  user: string | undefined
  /** The file that holds certificate and key of a Secret; undefined: the fallback's. */
  certificateFile(secret: string | undefined): string
}

const escapeRegex = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** `*.example` stands for exactly one label (networking/v1), which nginx's own wildcard does not. */
const serverName = (host: string): string =>
  host === '' ? '_' : host.startsWith('*.') ? `~^[^.]+${escapeRegex(host.slice(1))}$` : host

const hostPort = (address: string, port: number): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`

const rewrite = (location: Location | undefined): Directive[] => {
  const target = location?.route.rewriteTarget
  if (location === undefined || target === undefined) return []
  const path = location.match === 'regex' ? location.path : escapeRegex(location.path)
  return [directive('rewrite', `(?i)^${path}`, target, 'break')]
}

const toHttps = (config: IngressConfig): Directive => {
  const port = config.httpsPort === 443 ? '' : `:${config.httpsPort}`
  return block('if', ['($scheme', '=', 'http)'], [directive('return', '308', `https://$host${port}$request_uri`)])
}

/** What a location does: redirect, refuse, or ask the upstream. */
const routeBody = (config: IngressConfig, server: ServerBlock, route: Route, location?: Location): Directive[] => {
  const redirect = route.forceSslRedirect || (route.sslRedirect && server.certificate !== undefined)
  const head = redirect && config.tls ? [toHttps(config)] : []
  if (route.upstream === undefined) return [...head, directive('return', '503')]
  return [
    ...head,
    directive('client_max_body_size', route.bodySize),
    directive('proxy_connect_timeout', `${route.connectTimeoutSeconds}s`),
    directive('proxy_read_timeout', `${route.readTimeoutSeconds}s`),
    directive('proxy_send_timeout', `${route.sendTimeoutSeconds}s`),
    ...rewrite(location),
    directive('proxy_pass', `${route.backendProtocol}://${route.upstream}`),
  ]
}

/** How nginx spells a location: `=` compares, `~*` is a regular expression, nothing begins with. */
const locationHeads = ({ match, path }: Location): string[][] => {
  switch (match) {
    case 'exact':
      return [['=', path]]
    case 'text':
      return [[path]]
    case 'regex':
      return [['~*', `^${path}`]]
    case 'elements':
      return path === '/' ? [['/']] : [['=', path], [`${path}/`]]
  }
}

const serverBlock = (config: IngressConfig, server: ServerBlock, settings: NginxSettings): Directive => {
  const isDefault = server.host === '' ? ['default_server'] : []
  const inner: Directive[] = [
    directive('server_name', serverName(server.host)),
    directive('listen', hostPort(config.listenAddress, config.httpPort), ...isDefault),
  ]
  if (config.tls) {
    const file = settings.certificateFile(server.certificate)
    inner.push(directive('listen', hostPort(config.listenAddress, config.httpsPort), ...isDefault, 'ssl', 'http2'))
    inner.push(directive('ssl_certificate', file), directive('ssl_certificate_key', file))
  }
  // Written once each: an exact path wins over the same path of a prefix, and that over one that begins with the text.
  const written = new Set<string>()
  const ranks = ['exact', 'elements', 'text', 'regex']
  for (const location of server.locations.toSorted((a, b) => ranks.indexOf(a.match) - ranks.indexOf(b.match)))
    for (const head of locationHeads(location)) {
      const key = head.join(' ')
      if (written.has(key)) continue
      written.add(key)
      inner.push(block('location', head, routeBody(config, server, location.route, location)))
    }
  if (!written.has('/')) {
    const { defaultBackend } = config
    const body = defaultBackend === undefined ? [directive('return', '404')] : routeBody(config, server, defaultBackend)
    inner.push(block('location', ['/'], body))
  }
  return block('server', [], inner)
}

const proxyHeaders: readonly [string, string][] = [
  ['Host', '$http_host'],
  ['Upgrade', '$http_upgrade'],
  ['Connection', '$connection_upgrade'],
  ['X-Request-ID', '$request_id'],
  ['X-Real-IP', '$remote_addr'],
  // Not appended to what the client sent: a client must not be able to name another source.
  ['X-Forwarded-For', '$remote_addr'],
  ['X-Forwarded-Host', '$http_host'],
  ['X-Forwarded-Port', '$server_port'],
  ['X-Forwarded-Proto', '$scheme'],
  ['X-Forwarded-Scheme', '$scheme'],
  ['X-Scheme', '$scheme'],
  ['X-Original-Forwarded-For', '$http_x_forwarded_for'],
]

const httpBlock = (config: IngressConfig, settings: NginxSettings): Directive => {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(kind =>
    directive(`${kind}_temp_path`, `${settings.prefix}/temp/${kind}`),
  )
  return block(
    'http',
    [],
    [
      ...temporary,
      directive('access_log', 'off'),
      directive('server_tokens', 'off'),
      directive('server_names_hash_max_size', '8192'),
      directive('server_names_hash_bucket_size', '512'),
      directive('map_hash_bucket_size', '128'),
      directive('client_header_buffer_size', '1k'),
      directive('large_client_header_buffers', '4', '8k'),
      directive('keepalive_timeout', '75s'),
      directive('ssl_protocols', 'TLSv1.2', 'TLSv1.3'),
      directive('ssl_session_cache', 'shared:SSL:2m'),
      directive('proxy_http_version', '1.1'),
      directive('proxy_buffering', 'off'),
      directive('proxy_next_upstream', 'error', 'timeout'),
      directive('proxy_next_upstream_tries', '3'),
      directive('proxy_ssl_server_name', 'on'),
      directive('proxy_redirect', 'off'),
      // Where the client asks for no upgrade, the connection to the backend is kept.
      block('map', ['$http_upgrade', '$connection_upgrade'], [directive('default', 'upgrade'), directive('""', '')]),
      ...proxyHeaders.map(([name, value]) => directive('proxy_set_header', name, value)),
      ...config.upstreams.map(upstream =>
        block(
          'upstream',
          [upstream.name],
          [
            ...upstream.servers.map(address => directive('server', address, 'max_fails=0')),
            directive('keepalive', '32'),
          ],
        ),
      ),
      ...config.servers.map(server => serverBlock(config, server, settings)),
    ],
  )
}

/** The whole nginx.conf; the same configuration gives the same bytes. */
export const renderConfig = (config: IngressConfig, settings: NginxSettings): string =>
  renderDirectives([
    directive('daemon', 'off'),
    ...(settings.user === undefined ? [] : [directive('user', settings.user)]),
    directive('worker_processes', String(settings.workers)),
    directive('worker_shutdown_timeout', '60s'),
    directive('pid', `${settings.prefix}/nginx.pid`),
    directive('error_log', 'stderr', 'warn'),
    block('events', [], [directive('worker_connections', '4096')]),
    httpBlock(config, settings),
  ])
