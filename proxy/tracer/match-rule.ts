import { cidrContains } from '../model/ip.ts'
import type { Packet } from './packet.ts'

/** What changes on the packet as it goes. */
export interface PacketState extends Packet {
  mark: number
  dnat: boolean
}

export interface MatchResult {
  /** 0: no, 1: yes, between: by chance. */
  probability: number
  target: { name: string; args: readonly string[] } | undefined
  unknown: string | undefined
}

export type IsLocal = (address: string) => boolean

interface Cursor {
  words: readonly string[]
  at: number
}

const next = (cursor: Cursor): string => cursor.words[cursor.at++] ?? ''

const portMatches = (text: string, port: number): boolean => {
  const [low = '', high = low] = text.split(':')
  return port >= Number(low) && port <= Number(high)
}

const markMatches = (text: string, mark: number): boolean => {
  const [value = '', mask = '0xffffffff'] = text.split('/')
  return (mark & Number(mask)) >>> 0 === Number(value) >>> 0
}

const states = (text: string, packet: PacketState): boolean =>
  text.split(',').some(state => state === 'NEW' || (state === 'DNAT' && packet.dnat))

const addressType = (text: string, address: string, isLocal: IsLocal): boolean =>
  text === 'LOCAL' ? isLocal(address) : text === 'UNICAST' && !isLocal(address)

/** Options that take no value, or one that does not bear on the first packet. */
const flags = new Set(['--reap', '--rsource', '--set', '--random-fully'])
const ignored = new Set(['-m', '--comment', '--name', '--mask', '--seconds', '--mode', '--nfacct-name'])

/**
 * Compares one rule with a packet: the vocabulary kube-proxy writes, and what iptables-save makes of it.
 * An option it does not know makes the rule not match, and is named.
 */
export const matchRule = (rule: readonly string[], packet: PacketState, isLocal: IsLocal): MatchResult => {
  const cursor: Cursor = { words: rule, at: 0 }
  let probability = 1
  let negated = false
  let recent = ''
  const demand = (holds: boolean) => {
    if (holds === negated) probability = 0
    negated = false
  }
  while (cursor.at < rule.length) {
    const option = next(cursor)
    if (option === '!') negated = true
    else if (option === '-j' || option === '-g')
      return { probability, target: { name: next(cursor), args: rule.slice(cursor.at) }, unknown: undefined }
    else if (option === '-s') demand(cidrContains(next(cursor), packet.source))
    else if (option === '-d') demand(cidrContains(next(cursor), packet.destination))
    else if (option === '-p') demand(next(cursor) === packet.protocol)
    else if (option === '--dport') demand(portMatches(next(cursor), packet.destinationPort))
    else if (option === '--dst-type') demand(addressType(next(cursor), packet.destination, isLocal))
    else if (option === '--src-type') demand(addressType(next(cursor), packet.source, isLocal))
    else if (option === '--mark') demand(markMatches(next(cursor), packet.mark))
    else if (option === '--ctstate') demand(states(next(cursor), packet))
    else if (option === '--probability') probability *= Number(next(cursor))
    else if (option === '--rcheck') demand((packet.remembered ?? []).includes(recent || nameIn(rule)))
    else if (flags.has(option)) continue
    else if (ignored.has(option)) {
      const value = next(cursor)
      if (option === '--name') recent = value
    } else return { probability: 0, target: undefined, unknown: option }
  }
  return { probability, target: undefined, unknown: undefined }
}

/** iptables-save writes --name behind --rcheck. */
const nameIn = (rule: readonly string[]): string => rule[rule.indexOf('--name') + 1] ?? ''
