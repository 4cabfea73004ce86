import assert from 'node:assert/strict'
import test from 'node:test'
import { type Form, forBackup, fromForm, passphraseFault, type Rules, streamName, toForm, words } from './rules'

const empty: Form = toForm({})
const all: Rules = {
  protocols: ['rtmps'], addresses: ['192.0.2.7', '10.0.0.0/8'], max_bitrate: 8_500_000, max_resolution: '1920x1080',
  max_frame_rate: 60, max_duration_s: 14_400, takeover: 'forbid', ladder: '720p,480p', backup: true, record: true,
}

test('a form gives back the rules that it was made of', () => {
  assert.deepEqual(fromForm(toForm(all)), all)
  assert.deepEqual(fromForm(empty), {})
})

test('numbers may be written as people do', () => {
  assert.deepEqual(fromForm({ ...empty, bitrate: ' 6,5 ', hours: '0.5' }), { max_bitrate: 6_500_000, max_duration_s: 1800 })
})

test('a form that cannot be says why', () => {
  assert.ok(/bitrate/.test(String(fromForm({ ...empty, bitrate: '6 Mbit' }))))
  assert.ok(/frame rate/.test(String(fromForm({ ...empty, frameRate: '-1' }))))
  assert.ok(/hours/.test(String(fromForm({ ...empty, hours: 'x' }))))
})

test('every rule has words, and no rule has none', () => {
  assert.equal(words(all).length, Object.keys(all).length)
  assert.deepEqual(words({}), [])
  assert.deepEqual(words({ takeover: 'allow', protocols: [] }), [])
})

test('a backup may do what the primary may, from elsewhere', () => {
  assert.deepEqual(forBackup({ ...all, backup: false }), {
    max_bitrate: 8_500_000, max_resolution: '1920x1080', max_frame_rate: 60, max_duration_s: 14_400, takeover: 'forbid', ladder: '720p,480p', backup: true, record: true,
  })
  assert.deepEqual(forBackup({}), { backup: true })
})

test('names that Weir refuses are told before they are sent', () => {
  for (const name of ['main', '0', 'a-b_c']) assert.equal(streamName(name), '')
  for (const name of ['', 'Main', '-a', 'a b', 'ä', 'a'.repeat(65)]) assert.ok(streamName(name) !== '', name)
})

test('passphrases that SRT does not take are told before they are sent', () => {
  for (const good of ['', 'a'.repeat(10), 'a'.repeat(79)]) assert.equal(passphraseFault(good), '')
  for (const bad of ['short', 'a'.repeat(80)]) assert.ok(passphraseFault(bad) !== '')
})
