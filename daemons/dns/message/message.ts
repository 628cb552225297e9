/** Numbers of RFC 1035, 3596 (AAAA), 2782 (SRV), 6891 (OPT); types we never look into keep their number. */
export const types = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  DNAME: 39,
  OPT: 41,
  SVCB: 64,
  HTTPS: 65,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const

export const rcodes = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  BADVERS: 16,
} as const

export const classes = { IN: 1, CH: 3, ANY: 255 } as const

const nameOf = (table: Readonly<Record<string, number>>, prefix: string, value: number): string =>
  Object.keys(table).find(key => table[key] === value) ?? `${prefix}${value}`

export const typeName = (type: number): string => nameOf(types, 'TYPE', type)
export const rcodeName = (rcode: number): string => nameOf(rcodes, 'RCODE', rcode)
export const className = (value: number): string => nameOf(classes, 'CLASS', value)

export interface Question {
  /** Absolute, as it came (case kept): `Hello.default.svc.cluster.local.`; `.` is the root. */
  name: string
  type: number
  class: number
}

/** What a record says. Types whose data holds names are taken apart, so that names can be compressed anew; the rest is bytes. */
export type RecordData =
  | { kind: 'bytes'; bytes: Buffer }
  | { kind: 'name'; name: string }
  | { kind: 'mx'; preference: number; name: string }
  | { kind: 'srv'; priority: number; weight: number; port: number; target: string }
  | {
      kind: 'soa'
      primary: string
      mailbox: string
      serial: number
      refresh: number
      retry: number
      expire: number
      minimum: number
    }

export interface ResourceRecord {
  name: string
  type: number
  class: number
  /** Seconds. */
  ttl: number
  data: RecordData
}

/** EDNS(0), RFC 6891: the OPT record, taken out of the additional section. */
export interface Edns {
  udpSize: number
  version: number
  dnssecOk: boolean
  /** Options, encoded. */
  options: Buffer
}

export interface Message {
  id: number
  response: boolean
  opcode: number
  authoritative: boolean
  truncated: boolean
  recursionDesired: boolean
  recursionAvailable: boolean
  authenticData: boolean
  checkingDisabled: boolean
  /** With EDNS's upper bits: up to 4095. */
  rcode: number
  questions: Question[]
  answers: ResourceRecord[]
  authorities: ResourceRecord[]
  additionals: ResourceRecord[]
  edns?: Edns
}

/** What we tell clients we can take over UDP: fits an Ethernet frame with room for tunnels (DNS flag day 2020). */
export const OUR_UDP_SIZE = 1232

/** A reply to a question: id, question and flags are the question's, EDNS is answered where it was used. */
export const replyTo = (query: Message, changes: Partial<Message> = {}): Message => ({
  id: query.id,
  response: true,
  opcode: query.opcode,
  authoritative: false,
  truncated: false,
  recursionDesired: query.recursionDesired,
  recursionAvailable: false,
  authenticData: false,
  checkingDisabled: query.checkingDisabled,
  rcode: rcodes.NOERROR,
  questions: query.questions,
  answers: [],
  authorities: [],
  additionals: [],
  ...(query.edns === undefined
    ? {}
    : { edns: { udpSize: OUR_UDP_SIZE, version: 0, dnssecOk: query.edns.dnssecOk, options: Buffer.alloc(0) } }),
  ...changes,
})

/** A question of our own. */
export const newQuery = (id: number, question: Question): Message => ({
  ...replyTo({ id, opcode: 0, recursionDesired: true, checkingDisabled: false, questions: [question] } as Message),
  response: false,
})
