/** The first packet of a connection (conntrack state NEW), as the tracer is asked about it. */
export interface Packet {
  source: string
  destination: string
  protocol: 'tcp' | 'udp' | 'sctp'
  destinationPort: number
  /** `node`: a process of the node sends it; `network`: it arrives from a pod or from outside. */
  from: 'node' | 'network'
  /** SEP chains whose `recent` list holds the source already: the endpoint this client was given before. */
  remembered?: readonly string[]
}

/** One rule the packet met and matched. */
export interface Step {
  table: string
  chain: string
  rule: readonly string[]
}

/** One way the packet can go; the probabilities of all outcomes add up to 1. */
export interface Outcome {
  probability: number
  verdict: 'accept' | 'drop' | 'reject'
  /** After DNAT. */
  destination: string
  destinationPort: number
  /** The source is replaced by the node's address on the way out. */
  masqueraded: boolean
  /** `nat/PREROUTING`, `nat/KUBE-SERVICES`, … in the order in which they were entered. */
  path: readonly string[]
  steps: readonly Step[]
  /** Matches and targets of other people's rules that the tracer cannot judge; such rules count as not matching. */
  unknown: readonly string[]
}
