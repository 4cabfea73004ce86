import assert from 'node:assert/strict'
import test from 'node:test'
import type { Publisher, Stream } from '../types'
import { hasTwo, named, onAirSince, onBackup, switchWords } from './publishers'

const primary: Publisher = { role: 'primary', protocol: 'rtmp', encoder: 'Lavf61', connected_at: '' }
const backup: Publisher = { role: 'backup', protocol: 'srt', connected_at: '' }
const stream = (change: Partial<Stream>): Stream => ({
  name: 'main', state: 'live', since: '', session: primary, source: null, arrival: null,
  renditions: [], worker: null, repairs: {}, health: [], urls: { watch: '', hls: '', dash: '' }, ...change,
})

test('who stood by is on air since the switch, and who never did since it connected', () => {
  const at = (time: string): string => `2026-11-28T10:${time}Z`
  const session = { ...backup, connected_at: at('01:00') }
  assert.equal(onAirSince(stream({ session })), Date.parse(at('01:00')))
  assert.equal(onAirSince(stream({ session, switched: { at: at('02:00'), to: 'backup', reason: 'lost' } })), Date.parse(at('02:00')))
  assert.equal(onAirSince(stream({ session, switched: { at: at('00:30'), to: 'primary', reason: 'back' } })), Date.parse(at('01:00')))
})

test('a stream with one encoder is told of no backup', () => {
  assert.equal(hasTwo(stream({})), false)
  assert.equal(hasTwo(stream({ session: { protocol: 'rtmp', connected_at: '' }, standby: null, switched: null })), false) // of an older Weir
})

test('one with two says who is on air', () => {
  assert.deepEqual([stream({ standby: backup }), stream({ session: backup }), stream({ session: backup, standby: primary })].map((s) => [hasTwo(s), onBackup(s)]), [[true, false], [true, true], [true, true]])
  assert.equal(named(primary), 'Primary, FFmpeg by RTMP')
  assert.equal(named(backup), 'Backup, Unknown encoder by SRT')
})

test('the last switch stays known when both are gone', () => {
  assert.equal(hasTwo(stream({ session: null, switched: { at: '', to: 'backup', reason: 'lost' } })), true)
})

test('a switch says why', () => {
  assert.equal(switchWords('backup', 'lost'), 'to the backup: the primary sent nothing')
  assert.equal(switchWords('primary', 'lost'), 'to the primary: the backup sent nothing')
  assert.equal(switchWords('backup', 'frozen'), 'to the backup: the primary stood still')
  assert.equal(switchWords('primary', 'back'), 'to the primary, which is well again')
  assert.equal(switchWords('backup', 'upside_down'), 'to the backup: the primary upside_down')
})
