import { invalidConfig } from '../cni-error.ts'

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Reads the keys of one JSON object; each failure is CNI code 7 and names the key with its path. */
export class ConfigReader {
  readonly #fields: Readonly<Record<string, unknown>>
  readonly #at: string
  constructor(fields: Readonly<Record<string, unknown>>, at = '') {
    this.#fields = fields
    this.#at = at
  }
  string(key: string, fallback: string): string {
    return this.#read(key, fallback, 'a string', value => typeof value === 'string')
  }
  boolean(key: string, fallback: boolean): boolean {
    return this.#read(key, fallback, 'true or false', value => typeof value === 'boolean')
  }
  /** A whole number, zero or more. */
  count(key: string, fallback: number): number {
    return this.#read(key, fallback, 'a whole number', value => Number.isInteger(value) && Number(value) >= 0)
  }
  strings(key: string): string[] {
    return this.#read<string[]>(key, [], 'a list of strings', isStrings)
  }
  object(key: string): ConfigReader | undefined {
    const value = this.#fields[key]
    if (value === undefined || value === null) return undefined
    if (isRecord(value)) return new ConfigReader(value, `${this.#at}${key}.`)
    throw invalidConfig(`${this.#at}${key} is not an object`)
  }
  objects(key: string): ConfigReader[] {
    const value = this.#fields[key] ?? []
    if (Array.isArray(value) && value.every(isRecord))
      return value.map((item, i) => new ConfigReader(item, `${this.#at}${key}[${i}].`))
    throw invalidConfig(`${this.#at}${key} is not a list of objects`)
  }
  /** A list of lists of objects: host-local's range sets. */
  objectLists(key: string): ConfigReader[][] {
    const value = this.#fields[key] ?? []
    if (Array.isArray(value) && value.every(list => Array.isArray(list) && list.every(isRecord)))
      return value.map((list: Record<string, unknown>[], i) =>
        list.map((item, j) => new ConfigReader(item, `${this.#at}${key}[${i}][${j}].`)),
      )
    throw invalidConfig(`${this.#at}${key} is not a list of lists of objects`)
  }
  has(key: string): boolean {
    return this.#fields[key] !== undefined && this.#fields[key] !== null
  }
  raw(key: string): unknown {
    return this.#fields[key]
  }
  path(key: string): string {
    return `${this.#at}${key}`
  }
  #read<T>(key: string, fallback: T, what: string, fits: (value: unknown) => boolean): T {
    const value = this.#fields[key]
    if (value === undefined || value === null) return fallback
    if (fits(value)) return value as T
    throw invalidConfig(`${this.#at}${key}: ${JSON.stringify(value)} is not ${what}`)
  }
}

const isStrings = (value: unknown): boolean => Array.isArray(value) && value.every(item => typeof item === 'string')
