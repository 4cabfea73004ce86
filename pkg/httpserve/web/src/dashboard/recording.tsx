// Whether a stream is being recorded, beside its state.

import { recordingWords } from './recordings'
import type { Recording } from './types'

export function RecordingMark({ recording }: { recording?: Recording | null }) {
  if (!recording) return null
  const { text, title, grade } = recordingWords(recording)
  return (
    <span class="grade recording" data-grade={grade} title={title}>
      {text}
    </span>
  )
}
