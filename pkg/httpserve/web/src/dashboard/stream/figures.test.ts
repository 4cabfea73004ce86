import assert from 'node:assert/strict'
import test from 'node:test'
import { append, columns, extent, rungsIn, type Sample } from './figures'

const sample = (second: number, bitrate: number | null = 1): Sample => ({
  time: new Date(Date.UTC(2026, 10, 27) + second * 1000).toISOString(),
  bitrate, frame_rate: null, keyframe_interval_s: null, delay_s: null, jitter_s: null, latency_s: null, realtime_ratio: null,
})
const start = Date.UTC(2026, 10, 27) / 1000
const bitrate = (s: Sample): number | null => s.bitrate

test('what is known already is not added again, and the old is forgotten', () => {
  const two = append([], [sample(0), sample(2)])
  assert.deepEqual(append(two, [sample(2), sample(4)]).map((s) => s.time), [sample(0), sample(2), sample(4)].map((s) => s.time))
  assert.equal(append(two, [sample(2)]), two)
  assert.deepEqual(append(two, [sample(602)]).map((s) => s.time), [sample(2), sample(602)].map((s) => s.time))
})

test('a line has a gap where nothing was known, and where nobody looked', () => {
  const [times, line] = columns([sample(0, 5), sample(2, null), sample(4, 6), sample(60, 7)], [bitrate])
  assert.deepEqual(line, [5, null, 6, null, 7])
  assert.deepEqual(times.map((t) => Math.floor(t - start)), [0, 2, 4, 4, 60])
  assert.deepEqual(columns([], [bitrate]), [[], []])
  // One that this Weir does not tell.
  assert.deepEqual(columns([sample(0)], [(s) => s.viewers])[1], [null])
})

test('an extent is of what is shown', () => {
  const all = [sample(0, 100), sample(100, 4), sample(102, null), sample(104, 8)]
  assert.deepEqual(extent(all, bitrate, 60), { least: 4, most: 8, mean: 6 })
  assert.equal(extent(all, bitrate)?.most, 100)
  assert.equal(extent([sample(0, null)], bitrate), undefined)
  assert.equal(extent([], bitrate), undefined)
})

test('rungs are listed once', () => {
  assert.deepEqual(rungsIn([sample(0), { ...sample(2), rung_bitrates: { a: 1, b: 2 } }, { ...sample(4), rung_bitrates: { b: 2, c: 3 } }]), ['a', 'b', 'c'])
})
