import { open } from 'node:fs/promises'
import type { ContainerStreams, ImageStore } from '../../../host/container-engine.ts'
import { labels } from '../sync/container-labels.ts'
import { allContainers, type ContainerRecord, type PodRuntime } from '../sync/pod-runtime.ts'
import { podDirectory } from '../volumes/pod-directory.ts'

/** Upstream's bounds of a termination message. */
const maxMessageBytes = 4096
const maxLogBytes = 2048
const maxLogLines = 80

const head = async (file: string): Promise<string> => {
  let handle
  try {
    handle = await open(file, 'r')
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(maxMessageBytes), 0, maxMessageBytes, 0)
    return buffer.toString('utf8', 0, bytesRead)
  } catch {
    // The pod's directory is gone, and with it the message.
    return ''
  } finally {
    await handle?.close()
  }
}

const logTail = async (streams: ContainerStreams, id: string): Promise<string> => {
  const signal = AbortSignal.timeout(5000)
  const options = { follow: false, stdout: true, stderr: true, timestamps: false, tailLines: maxLogLines, signal }
  const { stdout, stderr } = await streams.logs(id, options)
  const parts = await Promise.all([stdout.toArray(), stderr.toArray()])
  const text = parts.flat().join('')
  return text.slice(-maxLogBytes)
}

/** What is looked up once for a container and then remembered: last words, and the digest of its image. */
export class ContainerFacts {
  readonly #rootDir: string
  readonly #images: ImageStore
  readonly #streams: ContainerStreams
  readonly #messages = new Map<string, string>()
  readonly #digests = new Map<string, string>()
  constructor(options: { rootDir: string; images: ImageStore; streams: ContainerStreams }) {
    this.#rootDir = options.rootDir
    this.#images = options.images
    this.#streams = options.streams
  }

  /** Looks up what the containers of a pod need and is not known yet. */
  async load(runtime: PodRuntime): Promise<void> {
    await Promise.all(
      allContainers(runtime).map(async record => {
        if (record.state === 'exited' && !this.#messages.has(record.id))
          this.#messages.set(record.id, await this.#lastWords(record))
        if (!this.#digests.has(record.imageId)) {
          const image = await this.#images.find(record.imageId).catch(() => undefined)
          const digest = image?.digests[0]
          this.#digests.set(
            record.imageId,
            digest === undefined ? `docker://${record.imageId}` : `docker-pullable://${digest}`,
          )
        }
      }),
    )
  }

  message(record: ContainerRecord): string | undefined {
    return this.#messages.get(record.id)
  }

  imageId(record: ContainerRecord): string | undefined {
    return this.#digests.get(record.imageId)
  }

  forget(runtime: PodRuntime): void {
    for (const record of allContainers(runtime)) this.#messages.delete(record.id)
  }

  async #lastWords(record: ContainerRecord): Promise<string> {
    const uid = record.labels[labels.podUid] ?? ''
    const text = await head(podDirectory(this.#rootDir, uid).terminationLog(record.containerName, record.attempt))
    const fallback = record.labels[labels.messagePolicy] === 'FallbackToLogsOnError'
    if (text !== '' || !fallback || record.exitCode === 0) return text
    return logTail(this.#streams, record.id).catch(() => '')
  }
}
