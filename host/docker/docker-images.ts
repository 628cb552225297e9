import type { Readable } from 'node:stream'
import type Docker from 'dockerode'
import type { ImageInspectInfo } from 'dockerode'
import { SkiffError } from '../../kube/errors.ts'
import type { EngineImage, ImageStore, RegistryAuth } from '../container-engine.ts'
import { dockerClient } from './docker-client.ts'
import { dockerError, engineMessage, engineStatus } from './docker-errors.ts'

const imageOf = (info: ImageInspectInfo): EngineImage => ({
  id: info.Id,
  tags: info.RepoTags ?? [],
  digests: info.RepoDigests ?? [],
  sizeBytes: info.Size,
  user: info.Config?.User ?? '',
})

/** What a registry's refusal means, from the Engine's words for it (pulls have no status codes of their own). Pure. */
export const pullErrorCode = (message: string): 'NOT_FOUND' | 'PERMISSION_DENIED' | 'UNAVAILABLE' => {
  if (/unauthorized|access denied|denied:|authentication required|forbidden/i.test(message)) {
    // Registries answer "denied" for repositories that do not exist; the Engine adds this half-sentence then.
    return /repository does not exist/i.test(message) ? 'NOT_FOUND' : 'PERMISSION_DENIED'
  }
  return /not found|manifest unknown|does not exist|no such image/i.test(message) ? 'NOT_FOUND' : 'UNAVAILABLE'
}

/** `a/b:c` -> ['a/b', 'c']; a colon before a slash is a registry's port. Pure. */
export const splitTag = (reference: string): [repository: string, tag: string] => {
  const colon = reference.lastIndexOf(':')
  return colon > reference.lastIndexOf('/')
    ? [reference.slice(0, colon), reference.slice(colon + 1)]
    : [reference, 'latest']
}

/** The images of a Docker Engine. */
export class DockerImages implements ImageStore {
  readonly #docker: Docker
  constructor(options: { socketPath?: string } = {}) {
    this.#docker = dockerClient(options.socketPath ?? '/var/run/docker.sock')
  }

  async find(reference: string, signal?: AbortSignal): Promise<EngineImage | undefined> {
    try {
      return imageOf(await this.#docker.getImage(reference).inspect())
    } catch (error) {
      if (engineStatus(error) === 404) return undefined
      throw dockerError(error, `inspect image ${reference}`, signal)
    }
  }

  async pull(reference: string, options: { auth?: RegistryAuth; signal?: AbortSignal }): Promise<EngineImage> {
    const { auth, signal } = options
    const authconfig =
      auth === undefined
        ? undefined
        : { username: auth.username, password: auth.password, serveraddress: auth.serverAddress }
    // Without a tag the Engine would pull every tag of the repository.
    const wanted = reference.includes('@') ? reference : splitTag(reference).join(':')
    try {
      const stream = await this.#docker.pull(wanted, {
        ...(authconfig === undefined ? {} : { authconfig }),
        ...(signal === undefined ? {} : { abortSignal: signal }),
      })
      await this.#progress(stream)
    } catch (error) {
      if (signal?.aborted) throw signal.reason as Error
      const translated = dockerError(error, `pull image ${reference}`, signal)
      if (translated instanceof SkiffError && translated.message.includes('does not answer')) throw translated
      const message = engineMessage(error)
      throw new SkiffError(pullErrorCode(message), message, { cause: error })
    }
    const image = await this.find(wanted, signal)
    if (image === undefined) throw new SkiffError('NOT_FOUND', `image ${reference} was pulled and is not there`)
    return image
  }

  async list(signal?: AbortSignal): Promise<EngineImage[]> {
    try {
      const found = await this.#docker.listImages()
      return found.map(info => ({
        id: info.Id,
        tags: info.RepoTags ?? [],
        digests: info.RepoDigests ?? [],
        sizeBytes: info.Size,
        user: '',
      }))
    } catch (error) {
      throw dockerError(error, 'list images', signal)
    }
  }

  async remove(id: string, signal?: AbortSignal): Promise<void> {
    try {
      await this.#docker.getImage(id).remove()
    } catch (error) {
      if (engineStatus(error) === 404) return
      throw dockerError(error, `remove image ${id}`, signal)
    }
  }

  async importRootfs(
    tar: Readable,
    options: { tag: string; entrypoint: readonly string[]; command?: readonly string[]; env?: readonly string[] },
  ): Promise<void> {
    const [repo, tag] = splitTag(options.tag)
    const changes = [
      `ENTRYPOINT ${JSON.stringify(options.entrypoint)}`,
      ...(options.command === undefined ? [] : [`CMD ${JSON.stringify(options.command)}`]),
      ...(options.env ?? []).map(line => `ENV ${line.replace('=', ' ')}`),
    ].join('\n')
    try {
      const stream = await this.#docker.importImage(tar, { repo, tag, changes })
      await this.#progress(stream as unknown as NodeJS.ReadableStream)
    } catch (error) {
      throw dockerError(error, `import image ${options.tag}`)
    }
  }

  /** Pulls and imports report failure inside a stream that began with status 200. */
  #progress(stream: NodeJS.ReadableStream): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#docker.modem.followProgress(stream, error => (error === null ? resolve() : reject(error)))
    })
  }
}
