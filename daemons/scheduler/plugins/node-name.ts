import { FITS, type FilterPlugin } from '../framework/plugin.ts'

const REFUSED = ["node(s) didn't match the requested node name"]

/** A pod that names its node goes nowhere else. */
export const nodeName: FilterPlugin = {
  name: 'NodeName',
  movedBy: ['node-added'],
  filter: ({ pod }) => {
    const wanted = pod.spec?.nodeName
    return wanted === undefined || wanted === '' ? undefined : node => (node.name === wanted ? FITS : REFUSED)
  },
}
