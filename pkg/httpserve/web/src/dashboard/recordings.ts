// How a recording does, in words. Pure: tested in recordings.test.ts.

import { bytes, duration } from './format'
import type { Recording } from './types'

const troubles: Record<string, string> = { full: 'disk full', slow: 'disk too slow', failed: 'disk fails' }

export interface RecordingWords {
  text: string
  // More, for who points at it.
  title: string
  grade: 'recording' | 'error'
}

export function recordingWords(r: Recording): RecordingWords {
  if (r.trouble) return { text: `Not recording: ${troubles[r.trouble] ?? r.trouble}`, title: 'Viewers notice nothing. Weir’s log says what to do.', grade: 'error' }
  if (!r.started_at) return { text: 'Recording', title: 'Its first segment is on the way.', grade: 'recording' }
  const missing = r.missing_segments > 0 ? `, ${r.missing_segments} ${r.missing_segments === 1 ? 'segment is' : 'segments are'} missing` : ''
  return { text: 'Recording', title: `${duration(r.duration_s * 1000)}, ${bytes(r.bytes)}${missing}: ${r.path ?? ''}`, grade: 'recording' }
}
