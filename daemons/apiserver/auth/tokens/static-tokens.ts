import { SkiffError } from '../../../../kube/errors.ts'
import type { UserInfo } from '../user-info.ts'
import type { TokenAuthenticator } from './token-authenticator.ts'

/** The fields of a line of CSV (RFC 4180): commas within double quotes are text. */
const fieldsOf = (line: string): string[] => {
  const fields: string[] = []
  for (const [, quoted, plain] of line.matchAll(/(?:^|,)\s*(?:"((?:[^"]|"")*)"|([^,]*))/g))
    fields.push(quoted === undefined ? (plain ?? '').trim() : quoted.replaceAll('""', '"'))
  return fields
}

/**
 * --token-auth-file: a line a token: `token,user,uid,"group1,group2"`, the groups left out or not. `text`: the file's.
 * Throws SkiffError INVALID_INPUT for a line that has no user.
 */
export const staticTokens = (text: string, file: string): TokenAuthenticator => {
  const users = new Map<string, UserInfo>()
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue
    const [token = '', name = '', uid, groups = ''] = fieldsOf(line)
    if (token === '' || name === '' || uid === undefined)
      throw new SkiffError('INVALID_INPUT', `--token-auth-file ${file}, line ${index + 1}: it is no token,user,uid`, {
        remedy: 'write a line as: token,user,uid,"group1,group2"',
      })
    const named = groups.split(',').flatMap(group => group.trim() || [])
    users.set(token, { name, ...(uid === '' ? {} : { uid }), groups: [...named, 'system:authenticated'] })
  }
  return {
    authenticate: (token, audiences) => {
      const user = users.get(token)
      return user === undefined ? { kind: 'unknown' } : { kind: 'known', user, audiences }
    },
  }
}
