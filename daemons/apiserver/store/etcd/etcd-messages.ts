/** The messages of etcd's v3 API that the store uses, by the field numbers of its public rpc.proto, as protobufjs reads them. */
type Fields = Record<string, { type: string; id: number; rule?: 'repeated' }>

/** `key=1:bytes kvs=2:*KeyValue`: a star for a repeated field. */
const message = (text: string): { fields: Fields } => ({
  fields: Object.fromEntries(
    text.split(' ').map(word => {
      const [, name = '', id = '', star = '', type = ''] = /^(\w+)=(\d+):(\*?)(\w+)$/.exec(word) ?? []
      return [name, { type, id: Number(id), ...(star === '' ? {} : { rule: 'repeated' as const }) }]
    }),
  ),
})

const method = (name: string, stream = false) => ({
  requestType: `${name}Request`,
  responseType: `${name}Response`,
  ...(stream ? { requestStream: true, responseStream: true } : {}),
})

export const etcdDescriptor = {
  nested: {
    etcdserverpb: {
      nested: {
        KeyValue: message(
          'key=1:bytes createRevision=2:int64 modRevision=3:int64 version=4:int64 value=5:bytes lease=6:int64',
        ),
        Event: message('type=1:int32 kv=2:KeyValue prevKv=3:KeyValue'),
        ResponseHeader: message('clusterId=1:uint64 memberId=2:uint64 revision=3:int64 raftTerm=4:uint64'),
        RangeRequest: message(
          'key=1:bytes rangeEnd=2:bytes limit=3:int64 revision=4:int64 serializable=7:bool keysOnly=8:bool countOnly=9:bool',
        ),
        RangeResponse: message('header=1:ResponseHeader kvs=2:*KeyValue more=3:bool count=4:int64'),
        PutRequest: message('key=1:bytes value=2:bytes lease=3:int64'),
        PutResponse: message('header=1:ResponseHeader'),
        DeleteRangeRequest: message('key=1:bytes rangeEnd=2:bytes prevKv=3:bool'),
        DeleteRangeResponse: message('header=1:ResponseHeader deleted=2:int64 prevKvs=3:*KeyValue'),
        RequestOp: message('range=1:RangeRequest put=2:PutRequest deleteRange=3:DeleteRangeRequest'),
        ResponseOp: message('range=1:RangeResponse put=2:PutResponse deleteRange=3:DeleteRangeResponse'),
        // result 0: equal, 1: greater; target 0: version, 2: revision of the last change.
        Compare: message('result=1:int32 target=2:int32 key=3:bytes version=4:int64 modRevision=6:int64'),
        TxnRequest: message('compare=1:*Compare success=2:*RequestOp failure=3:*RequestOp'),
        TxnResponse: message('header=1:ResponseHeader succeeded=2:bool responses=3:*ResponseOp'),
        CompactionRequest: message('revision=1:int64 physical=2:bool'),
        CompactionResponse: message('header=1:ResponseHeader'),
        WatchCreateRequest: message('key=1:bytes rangeEnd=2:bytes startRevision=3:int64 progressNotify=4:bool'),
        WatchRequest: message('createRequest=1:WatchCreateRequest'),
        WatchResponse: message(
          'header=1:ResponseHeader watchId=2:int64 created=3:bool canceled=4:bool compactRevision=5:int64 cancelReason=6:string events=11:*Event',
        ),
        LeaseGrantRequest: message('TTL=1:int64 ID=2:int64'),
        LeaseGrantResponse: message('header=1:ResponseHeader ID=2:int64 TTL=3:int64 error=4:string'),
        LeaseKeepAliveRequest: message('ID=1:int64'),
        LeaseKeepAliveResponse: message('header=1:ResponseHeader ID=2:int64 TTL=3:int64'),
        KV: {
          methods: {
            Range: method('Range'),
            Put: method('Put'),
            DeleteRange: method('DeleteRange'),
            Txn: method('Txn'),
            Compact: method('Compaction'),
          },
        },
        Watch: { methods: { Watch: method('Watch', true) } },
        Lease: { methods: { LeaseGrant: method('LeaseGrant'), LeaseKeepAlive: method('LeaseKeepAlive', true) } },
      },
    },
  },
}

export interface KeyValue {
  key: Buffer
  value: Buffer
  modRevision: number
  version: number
}
interface Header {
  header: { revision: number }
}
export interface RangeRequest {
  key: Buffer
  rangeEnd?: Buffer
  limit?: number
  revision?: number
  keysOnly?: boolean
}
export interface RequestOp {
  range?: RangeRequest
  put?: { key: Buffer; value: Buffer; lease?: number }
  deleteRange?: { key: Buffer; rangeEnd?: Buffer; prevKv?: boolean }
}
export interface TxnRequest {
  compare: { result: 0 | 1; target: 0 | 2; key: Buffer; version?: number; modRevision?: number }[]
  success: RequestOp[]
  failure: RequestOp[]
}
export type RangeResponse = Header & { kvs: KeyValue[]; more: boolean }
export interface TxnResponse extends Header {
  succeeded: boolean
  responses: { range?: { kvs: KeyValue[] } | null; deleteRange?: { prevKvs: KeyValue[] } | null }[]
}
export interface WatchResponse extends Header {
  created: boolean
  canceled: boolean
  compactRevision: number
  cancelReason: string
  events: { type: 0 | 1; kv: KeyValue }[]
}

/** What is asked and answered, by method. */
export interface EtcdCalls {
  'KV.Range': [RangeRequest, RangeResponse]
  'KV.Put': [{ key: Buffer; value: Buffer; lease?: number }, Header]
  'KV.DeleteRange': [{ key: Buffer; rangeEnd?: Buffer }, Header]
  'KV.Txn': [TxnRequest, TxnResponse]
  'KV.Compact': [{ revision: number }, Header]
  'Lease.LeaseGrant': [{ TTL: number; ID: number }, { ID: number; TTL: number }]
}
