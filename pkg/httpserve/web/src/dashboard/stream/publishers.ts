// Which of a stream's two encoders is on air, and why. Pure: tested in
// publishers.test.ts.

import { encoder } from '../format'
import type { Publisher, Role, Stream } from '../types'

export const roleWords: Record<Role, string> = { primary: 'Primary', backup: 'Backup' }

export const onBackup = (s: Stream): boolean => s.session?.role === 'backup'

// A stream that has only ever had one encoder needs no word of this.
export const hasTwo = (s: Stream): boolean => onBackup(s) || !!s.standby || !!s.switched

// Since when the one on air is: it may have stood by before.
export const onAirSince = (s: Stream): number => Math.max(Date.parse(s.session?.connected_at ?? ''), Date.parse(s.switched?.at ?? '') || 0)

// Who it is, such as Backup, OBS Studio 31.0.0 by SRT.
export const named = (p: Publisher): string => `${roleWords[p.role ?? 'primary']}, ${encoder(p.encoder)} by ${p.protocol.toUpperCase()}`

const why: Record<string, string> = { lost: 'sent nothing', black: 'was black', frozen: 'stood still', silent: 'was silent' }

// Why the last switch was, such as "to the backup: the primary was black".
export function switchWords(to: Role, reason: string): string {
  if (reason === 'back') return 'to the primary, which is well again'
  const other = to === 'primary' ? 'backup' : 'primary'
  return `to the ${to}: the ${other} ${why[reason] ?? reason}`
}
