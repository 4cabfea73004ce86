import assert from 'node:assert/strict'
import test from 'node:test'
import { advise, audioBitrate, encoders, settings } from './obs'

test('an uplink is never used by more than two thirds, unless it is too narrow for anything', () => {
  for (let uplink = 0.2; uplink < 60; uplink += 0.1) {
    for (const motion of ['calm', 'fast'] as const) {
      const a = advise(uplink, motion)
      assert.ok(a.bitrate >= a.format.least && a.bitrate <= a.format.most, `${uplink} Mb/s: ${a.bitrate} for ${a.format.name}`)
      if (!a.tight) assert.ok(a.bitrate + audioBitrate <= (uplink * 2000) / 3, `${uplink} Mb/s: ${a.bitrate}`)
    }
  }
})

test('a wider uplink never has the smaller picture', () => {
  for (const motion of ['calm', 'fast'] as const) {
    let before = 0
    for (let uplink = 0.2; uplink < 60; uplink += 0.1) {
      const { height } = advise(uplink, motion).format
      assert.ok(height >= before, `${uplink} Mb/s has ${height} lines, less had ${before}`)
      before = height
    }
  }
})

test('what common uplinks get', () => {
  const got = (uplink: number, motion: 'calm' | 'fast'): string => `${advise(uplink, motion).format.name} ${advise(uplink, motion).bitrate}`
  assert.equal(got(50, 'fast'), '1080p60 9000')
  assert.equal(got(50, 'calm'), '1080p30 6000')
  assert.equal(got(10, 'fast'), '1080p60 6500')
  assert.equal(got(5, 'calm'), '720p30 3100')
  assert.equal(got(2, 'fast'), '480p30 1100')
  assert.equal(advise(0.3, 'calm').tight, true)
})

test('every encoder is told of the keyframes and of a steady rate', () => {
  for (const [encoder] of encoders) {
    const rows = settings(advise(10, 'fast'), encoder)
    const value = (name: string): string | undefined => rows.find((r) => r.name === name)?.value
    assert.equal(value('Keyframe Interval'), '2 s')
    assert.equal(value('Rate Control'), 'CBR')
    assert.equal(value('Bitrate'), '6500 Kbps')
    assert.equal(rows[0]?.name, 'Video Encoder')
  }
})
