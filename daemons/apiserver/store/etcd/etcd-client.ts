import { setTimeout as sleep } from 'node:timers/promises'
import type { Client, ClientDuplexStream, ChannelCredentials, MethodDefinition, ServiceError } from '@grpc/grpc-js'
import { messageOf, SkiffError } from '../../../../kube/errors.ts'
import { etcdDescriptor, type EtcdCalls, type WatchResponse } from './etcd-messages.ts'

export interface EtcdClientOptions {
  /** `http://10.0.0.1:2379` or `https://…`. */
  servers: readonly string[]
  /** PEM; needed for https. */
  tls?: { ca?: Buffer; cert?: Buffer; key?: Buffer }
  /** One attempt may take this long; default 5 seconds. All attempts of a call together twice as long. */
  timeoutMs?: number
}

type Grpc = typeof import('@grpc/grpc-js')
type Method = MethodDefinition<object, object>

/** gRPC's status codes that matter here. */
const code = {
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  resourceExhausted: 8,
  outOfRange: 11,
  unavailable: 14,
}

/** The failure was met before etcd can have taken the request up. */
const notTakenUp = /no leader|ECONNREFUSED|No connection established|Failed to connect|name resolution/i

export const isCompacted = (error: unknown): boolean =>
  (error as ServiceError).code === code.outOfRange && /compacted/.test(messageOf(error))

const mayTryAgain = (error: unknown): boolean => {
  const { code: found } = error as ServiceError
  // A member that waits for its leader in vain says so without a code of its own.
  const waited = found === code.unknown && /context deadline exceeded|context canceled/.test(messageOf(error))
  return waited || found === code.unavailable || found === code.deadlineExceeded
}

/** The error a caller gets to see; `perhapsWritten`: nobody knows whether the write stands. */
const translate = (error: unknown, perhapsWritten: boolean): unknown => {
  const { code: found, details } = error as ServiceError
  const text = `etcd: ${details ?? messageOf(error)}`
  if (found === code.resourceExhausted && /space exceeded/.test(text))
    return new SkiffError('HOST_UNFIT', `${text}: nothing can be written`, {
      cause: error,
      remedy: 'compact and defragment etcd, then disarm its NOSPACE alarm (etcdctl alarm disarm)',
    })
  if (perhapsWritten) return new SkiffError('TIMEOUT', `${text}; the write may have been done`, { cause: error })
  if (mayTryAgain(error) || found === code.resourceExhausted)
    return new SkiffError('UNAVAILABLE', text, { cause: error })
  return error
}

/** Calls etcd on the member that answered last, and on the others when it does not. */
export class EtcdClient {
  readonly #grpc: Grpc
  readonly #methods: ReadonlyMap<string, Method>
  readonly #clients: readonly Client[]
  readonly #timeoutMs: number
  #current = 0

  private constructor(grpc: Grpc, methods: ReadonlyMap<string, Method>, options: EtcdClientOptions) {
    this.#grpc = grpc
    this.#methods = methods
    this.#timeoutMs = options.timeoutMs ?? 5000
    this.#clients = options.servers.map(server => {
      const url = URL.canParse(server) ? new URL(server) : undefined
      if (url === undefined || !['http:', 'https:'].includes(url.protocol) || url.host === '')
        throw new SkiffError('INVALID_INPUT', `--etcd-servers: ${server} is not http://HOST:PORT or https://HOST:PORT`)
      return new grpc.Client(url.host, credentialsFor(grpc, url, options), {
        // A member that vanished without closing its connections is noticed within 15 seconds.
        'grpc.keepalive_time_ms': 10_000,
        'grpc.keepalive_timeout_ms': 5000,
        'grpc.initial_reconnect_backoff_ms': 100,
        'grpc.max_reconnect_backoff_ms': 1000,
        'grpc.max_receive_message_length': -1,
        'grpc.max_send_message_length': -1,
      })
    })
  }

  static async open(options: EtcdClientOptions): Promise<EtcdClient> {
    // Most clusters have the embedded store: they do not load this.
    const [grpc, loader] = await Promise.all([import('@grpc/grpc-js'), import('@grpc/proto-loader')])
    const definition = loader.fromJSON(etcdDescriptor as unknown as Parameters<typeof loader.fromJSON>[0], {
      longs: Number,
      defaults: true,
      arrays: true,
    })
    const methods = new Map<string, Method>()
    for (const [name, service] of Object.entries(definition))
      if (/\.(KV|Watch|Lease)$/.test(name))
        for (const [method, row] of Object.entries(service))
          methods.set(`${name.replace('etcdserverpb.', '')}.${method}`, row as Method)
    return new EtcdClient(grpc, methods, options)
  }

  #method(name: string): Method {
    const method = this.#methods.get(name)
    if (method === undefined) throw new SkiffError('INTERNAL', `etcd has no method ${name}`)
    return method
  }

  #once<Name extends keyof EtcdCalls>(name: Name, request: EtcdCalls[Name][0]): Promise<EtcdCalls[Name][1]> {
    const { path, requestSerialize, responseDeserialize } = this.#method(name)
    const client = this.#clients[this.#current]
    return new Promise((resolve, reject) => {
      const deadline = Date.now() + this.#timeoutMs
      client?.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, { deadline }, (error, value) => {
        if (error !== null) reject(error)
        else resolve(value as EtcdCalls[Name][1])
      })
    })
  }

  /** Next time the next member is asked. */
  turnAway(): void {
    this.#current = (this.#current + 1) % this.#clients.length
  }

  /**
   * Asks until a member answers. A write that may have been done although no answer came is asked again too, so that it
   * must be one that can be done twice, or that expects a revision; `perhapsDone` is then called before.
   */
  async call<Name extends keyof EtcdCalls>(
    name: Name,
    request: EtcdCalls[Name][0],
    perhapsDone?: () => void,
  ): Promise<EtcdCalls[Name][1]> {
    const deadline = Date.now() + 2 * this.#timeoutMs
    let perhaps = false
    for (;;)
      try {
        return await this.#once(name, request)
      } catch (error) {
        if (perhapsDone !== undefined && mayTryAgain(error) && !notTakenUp.test(messageOf(error))) {
          perhaps = true
          perhapsDone()
        }
        if (!mayTryAgain(error) || Date.now() >= deadline) throw translate(error, perhaps)
        this.turnAway()
        await sleep(100)
      }
  }

  /** A watch on the current member; it ends by itself when that member loses its leader. */
  watch(): ClientDuplexStream<object, WatchResponse> {
    return this.#stream('Watch.Watch', undefined) as ClientDuplexStream<object, WatchResponse>
  }

  /** Renews a lease; resolves with its remaining seconds, 0 when it is gone. */
  keepAlive(ID: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const stream = this.#stream('Lease.LeaseKeepAlive', Date.now() + this.#timeoutMs)
      stream.on('data', (answer: { TTL: number }) => {
        resolve(answer.TTL)
        stream.cancel()
      })
      stream.on('error', reject)
      stream.write({ ID })
    })
  }

  #stream(name: string, deadline: number | undefined): ClientDuplexStream<object, object> {
    const { path, requestSerialize, responseDeserialize } = this.#method(name)
    const metadata = new this.#grpc.Metadata()
    metadata.set('hasleader', 'true')
    const client = this.#clients[this.#current]
    if (client === undefined) throw new SkiffError('INVALID_INPUT', '--etcd-servers: no server is named')
    const options = deadline === undefined ? {} : { deadline }
    return client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata, options)
  }

  close(): void {
    for (const client of this.#clients) client.close()
  }
}

const credentialsFor = (grpc: Grpc, url: URL, { tls = {} }: EtcdClientOptions): ChannelCredentials =>
  url.protocol === 'http:'
    ? grpc.credentials.createInsecure()
    : grpc.credentials.createSsl(tls.ca ?? null, tls.key ?? null, tls.cert ?? null)
