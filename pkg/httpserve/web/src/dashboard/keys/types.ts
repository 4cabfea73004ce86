// The part of /api/v1/keys that this page uses.

import type { Rules } from './rules'

export interface Key {
  id: string
  stream: string
  label: string
  state: 'active' | 'expired' | 'revoked'
  rules: Rules
  srt_encrypted: boolean
  created_at: string
  expires_at: string | null
  revoked_at: string | null
  // The newest first; several while it is rotated.
  secrets: { created_at: string; valid_until: string | null }[]
}

export interface KeyList {
  keys: Key[]
  // Those that are kept elsewhere.
  configured: { stream: string; source: string }[]
}

export interface NewKey {
  key: Key
  secret: string
}
