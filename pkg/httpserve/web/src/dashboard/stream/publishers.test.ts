import assert from 'node:assert/strict'
import test from 'node:test'
import type { Publisher, Stream } from '../types'
import { hasTwo, named, onBackup, switchWords } from './publishers'

const primary: Publisher = { role: 'primary', protocol: 'rtmp', encoder: 'Lavf61', connected_at: '' }
const backup: Publisher = { role: 'backup', protocol: 'srt', connected_at: '' }
const stream = (change: Partial<Stream>): Stream => ({
  name: 'main', state: 'live', since: '', session: primary, source: null, arrival: null,
  renditions: [], worker: null, repairs: {}, health: [], urls: { watch: '', hls: '', dash: '' }, ...change,
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
