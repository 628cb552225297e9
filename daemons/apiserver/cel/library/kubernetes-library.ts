import type { FunctionTable } from '../function-table.ts'
import { FunctionTableBuilder } from '../function-table.ts'
import { addAddresses } from './addresses.ts'
import { addAuthorization } from './authorization.ts'
import { addConversions } from './conversions.ts'
import { addFormats } from './formats.ts'
import { addLists } from './lists.ts'
import { addOperators } from './operators.ts'
import { addOptionals } from './optionals.ts'
import { addQuantities } from './quantities.ts'
import { addRegex } from './regex.ts'
import { addStrings } from './strings.ts'
import { addTimes } from './times.ts'
import { addUrls } from './urls.ts'
import { addVersions } from './versions.ts'

let table: FunctionTable | undefined

/** Every function an expression may call, made when the first expression is compiled. */
export const kubernetesLibrary = (): FunctionTable => {
  if (table !== undefined) return table
  const builder = new FunctionTableBuilder()
  const parts = [
    addOperators,
    addConversions,
    addTimes,
    addStrings,
    addRegex,
    addLists,
    addOptionals,
    addQuantities,
    addAddresses,
    addUrls,
    addFormats,
    addVersions,
    addAuthorization,
  ]
  for (const add of parts) add(builder)
  table = builder.build()
  return table
}
