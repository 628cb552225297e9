import type { FastifyInstance } from 'fastify'
import type { HttpRoute } from '../plugins/plugin.ts'
import { listenError } from './listen-error.ts'

interface Endpoint {
  server: FastifyInstance
  routes: Map<string, HttpRoute>
}

const splitAddress = (address: string): { host: string; port: number } => {
  const at = address.lastIndexOf(':')
  const host = address.slice(0, at).replace(/^\[|\]$/g, '')
  return { host: host === '' ? '0.0.0.0' : host, port: Number(address.slice(at + 1)) }
}

/** Serves the HTTP routes of the plugins, one server an address. */
export class HttpEndpoints {
  readonly #open = new Map<string, Endpoint>()

  /** As Listeners.apply: all or nothing. */
  async apply(routes: readonly HttpRoute[]): Promise<void> {
    const wanted = new Map<string, HttpRoute[]>()
    for (const route of routes) wanted.set(route.address, [...(wanted.get(route.address) ?? []), route])
    const opened: string[] = []
    try {
      for (const address of wanted.keys()) {
        if (this.#open.has(address)) continue
        this.#open.set(address, await this.#listen(address))
        opened.push(address)
      }
    } catch (error) {
      for (const address of opened) await this.#close(address)
      throw error
    }
    for (const [address, endpoint] of this.#open) {
      const mine = wanted.get(address)
      if (mine === undefined) await this.#close(address)
      else endpoint.routes = new Map(mine.map(route => [route.path, route]))
    }
  }

  /** The port behind an address that was given port 0. */
  port(address: string): number | undefined {
    const bound = this.#open.get(address)?.server.server.address()
    return typeof bound === 'object' ? bound?.port : undefined
  }

  async close(): Promise<void> {
    await this.apply([])
  }

  async #listen(address: string): Promise<Endpoint> {
    // Loaded here: a Corefile without health, ready and prometheus needs no HTTP server.
    const { fastify } = await import('fastify')
    const server = fastify({ forceCloseConnections: true })
    const endpoint: Endpoint = { server, routes: new Map() }
    server.get('/*', async (request, reply) => {
      const route = endpoint.routes.get(request.url.replace(/\?.*$/s, ''))
      if (route === undefined) return reply.code(404).type('text/plain').send('404 page not found\n')
      const { status, contentType, body } = await route.handle()
      return reply.code(status).type(contentType).send(body)
    })
    try {
      await server.listen(splitAddress(address))
    } catch (cause) {
      await server.close()
      throw listenError('HTTP', address, cause)
    }
    return endpoint
  }

  async #close(address: string): Promise<void> {
    const endpoint = this.#open.get(address)
    this.#open.delete(address)
    await endpoint?.server.close()
  }
}
