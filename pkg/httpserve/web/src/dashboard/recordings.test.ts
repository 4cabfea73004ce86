import assert from 'node:assert/strict'
import test from 'node:test'
import { recordingWords } from './recordings'

const going = { started_at: '2026-11-28T08:00:00Z', path: 'main/2026-11-28T08-00-00Z', duration_s: 60, bytes: 45_000_000, missing_segments: 0 }

test('a recording that does well needs one word, and has the rest beside it', () => {
  const { text, title, grade } = recordingWords(going)
  assert.equal(text, 'Recording')
  assert.equal(grade, 'recording')
  assert.ok(title.includes('45') && title.includes('main/2026-11-28T08-00-00Z') && !title.includes('missing'), title)
  assert.ok(recordingWords({ ...going, missing_segments: 1 }).title.includes('1 segment is missing'))
})

test('one that fails says why', () => {
  assert.deepEqual(recordingWords({ ...going, trouble: 'full' }).text, 'Not recording: disk full')
  assert.equal(recordingWords({ ...going, trouble: 'full' }).grade, 'error')
  assert.equal(recordingWords({ ...going, trouble: 'upside_down' }).text, 'Not recording: upside_down')
})

test('before the first segment there are no figures', () => {
  assert.ok(!recordingWords({ started_at: null, duration_s: 0, bytes: 0, missing_segments: 0 }).title.includes('0 '))
})
