import assert from 'node:assert/strict'
import test from 'node:test'
import { hops, hopTitle } from './hops'
import type { Finding, Stream } from '../types'

const finding = (severity: string, hop?: string): Finding => ({ code: severity, severity, message: '', hop })
const stream = (change: Partial<Stream> = {}): Stream => ({
  name: 'main', state: 'live', since: '', session: { protocol: 'rtmp', connected_at: '' }, source: null, arrival: null,
  renditions: [], worker: null, repairs: {}, health: [], urls: { watch: '', hls: '', dash: '' }, ...change,
})
const grades = (s: Stream): string => hops(s).map((h) => h.grade).join(' ')

test('the worst finding of a hop marks it, and no other', () => {
  assert.equal(grades(stream({ health: [finding('info', 'encoder'), finding('error', 'uplink'), finding('warning', 'uplink')] })), 'notes error good good')
})

test('a finding without a hop marks none', () => {
  assert.equal(grades(stream({ health: [finding('error')] })), 'good good good good')
  assert.equal(hopTitle(finding('error')), undefined)
  assert.equal(hopTitle(finding('error', 'gateway')), 'Weir')
  assert.equal(hopTitle(finding('error', 'moon')), 'moon')
})

test('where nothing passes, nothing is good', () => {
  assert.equal(grades(stream({ session: null, state: 'ended' })), 'idle idle idle idle')
  assert.equal(grades(stream({ state: 'waiting' })), 'good good good idle')
})

test('viewers are counted where Weir tells them', () => {
  const audience = { reporting: 0, stalled: 0, latency_s: null, startup_s: null }
  const fact = (viewers?: number): string | undefined => hops(stream(viewers === undefined ? {} : { audience: { ...audience, viewers } })).at(-1)?.fact
  assert.deepEqual([fact(), fact(0), fact(1), fact(9)], ['Can watch', '0 viewers', 'One viewer', '9 viewers'])
})
