import { corefileError } from '../corefile/corefile.ts'
import { argCount, durationMs } from '../corefile/read-directive.ts'
import type { Plugin } from './plugin.ts'

/** reload: a changed Corefile takes effect by itself. The kernel tells of changes; the interval is for file systems where it does not. */
export const reload: Plugin = {
  name: 'reload',
  setup: directive => {
    argCount(directive, 0, 2)
    const reloadEveryMs = directive.args[0] === undefined ? 30_000 : durationMs(directive, directive.args[0])
    if (reloadEveryMs < 2000) throw corefileError(directive, 'the interval must be 2s or more')
    if (directive.args[1] !== undefined) durationMs(directive, directive.args[1])
    return { reloadEveryMs }
  },
}
