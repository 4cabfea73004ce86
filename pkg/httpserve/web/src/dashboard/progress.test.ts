import assert from 'node:assert/strict'
import test from 'node:test'
import { current, progress, sessionOf, trouble } from './progress'
import type { Event, Source, Stream } from './types'

const at = (second: number): string => new Date(Date.UTC(2026, 10, 24, 2, 0, second)).toISOString()
const source: Source = { codec: 'h264', width: 1280, height: 720, frame_rate: 30, bitrate: 0, keyframe_interval_s: 0, audio: null }

function stream(change: Partial<Stream> = {}): Stream {
  return {
    name: 'main', state: 'waiting', since: at(1), session: { protocol: 'rtmp', connected_at: at(1) }, source: null,
    renditions: [], worker: null, repairs: {}, health: [], urls: { watch: '/watch/main', hls: '', dash: '' }, ...change,
  }
}
const event = (kind: string, second: number, change: Partial<Event> = {}): Event => ({ id: second, time: at(second), kind, stream: 'main', message: 'm', ...change })
const states = (s?: Stream): string => progress(s, {}).map((step) => step.state).join(' ')

test('one step is under way at a time, and none is skipped', () => {
  assert.equal(states(), 'active todo todo')
  assert.equal(states(stream({ state: 'ended', session: null, source })), 'active todo todo')
  assert.equal(states(stream()), 'done active todo')
  assert.equal(states(stream({ source })), 'done done active')
  assert.equal(states(stream({ source, state: 'live', since: at(4) })), 'done done done')
})

test('times are those of the session, also where the stream was live before', () => {
  const back = stream({ source, state: 'live', since: at(-60) })
  const steps = progress(back, { [sessionOf(back)]: Date.parse(at(2)) })
  assert.deepEqual(steps.map((s) => s.at), [at(1), at(2), at(1)].map((t) => Date.parse(t)))
})

test('the stream that was published last is followed', () => {
  const second = stream({ name: 'second', session: { protocol: 'rtmp', connected_at: at(9) } })
  assert.equal(current([stream(), second], [])?.name, 'second')
  const none = { session: null }
  assert.equal(current([stream(none), stream({ ...none, name: 'second' })], [event('publish.ended', 3, { stream: 'second' })])?.name, 'second')
  assert.equal(current([], []), undefined)
})

test('a refusal is shown until the encoder is back, and not for ever', () => {
  const refused = [event('publish.rejected', 5, { stream: undefined, reason: 'wrong_key', message: 'The key is wrong.' })]
  const now = Date.parse(at(6))
  assert.equal(trouble(undefined, refused, now)?.message, 'The key is wrong.')
  assert.equal(trouble(stream(), refused, now), undefined)
  assert.equal(trouble(undefined, refused, now + 3_600_000), undefined)
  assert.equal(trouble(undefined, [], now), undefined)
})

test('an end on purpose is no trouble, a lost connection is', () => {
  const gone = stream({ session: null, state: 'reconnecting' })
  const now = Date.parse(at(6))
  assert.equal(trouble(gone, [event('publish.ended', 5, { reason: 'ended' })], now), undefined)
  assert.equal(trouble(gone, [event('publish.ended', 5, { reason: 'lost' })], now)?.title, 'The connection was lost')
})
