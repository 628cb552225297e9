import type { Link, Links } from '../host/netlink/links.ts'

/** The link of that name, or undefined. */
export const findLink = async (links: Links, name: string): Promise<Link | undefined> =>
  (await links.list()).find(link => link.name === name)
