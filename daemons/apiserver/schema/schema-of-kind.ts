import type { TypeSchema } from '../../../kube/patch/schema.ts'
import type { Kind } from '../kinds/kind.ts'
import { schemaOf } from './schemas.ts'

/** The schema of a kind's objects, by which they are patched and their fields are owned. */
export const schemaOfKind = (kind: Kind): TypeSchema => kind.custom?.typeSchema ?? schemaOf(kind.schema)
