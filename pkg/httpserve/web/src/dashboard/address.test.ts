import assert from 'node:assert/strict'
import test from 'node:test'
import { absolute, ingests, serverWith, watchBase } from './address'
import type { Node } from './types'

const node = (listeners: Record<string, string>): Node => ({
  version: '', started_at: '', uptime_s: 0, draining: false, open: false, cores: 1, cpu_s: 0, memory_bytes: 0, streams: 0,
  listeners: Object.entries(listeners).map(([protocol, address]) => ({ protocol, address })),
})
const servers = (listeners: Record<string, string>): string[] => ingests(node(listeners), 'live.example.com').map((i) => i.server)

test('the server is where the browser found Weir, at the port of RTMP', () => {
  assert.deepEqual(servers({ rtmp: '[::]:1935' }), ['rtmp://live.example.com/live'])
  assert.deepEqual(servers({ rtmp: '0.0.0.0:1940' }), ['rtmp://live.example.com:1940/live'])
  assert.deepEqual(servers({ rtmp: '192.0.2.7:1935' }), ['rtmp://192.0.2.7/live'])
  assert.deepEqual(servers({ rtmp: '[2001:db8::1]:1935' }), ['rtmp://[2001:db8::1]/live'])
})

test('encryption comes first', () => {
  assert.deepEqual(servers({ rtmp: '[::]:1935', rtmps: '[::]:1936' }), ['rtmps://live.example.com:1936/live', 'rtmp://live.example.com/live'])
  assert.deepEqual(ingests(null, 'x'), [])
  assert.deepEqual(servers({ srt: '[::]:9000', rtmp: '[::]:1935' }), ['rtmp://live.example.com/live', 'srt://live.example.com:9000?streamid=KEY&latency=400000'])
  assert.equal(ingests(node({ rtmp: '127.0.0.1:1935' }), 'x')[0]?.local, true)
})

test('SRT has the key in the server', () => {
  const [srt] = ingests(node({ srt: '[::]:9000' }), 'live.example.com')
  const [rtmp] = ingests(node({ rtmp: '[::]:1935' }), 'live.example.com')
  assert.equal(srt && serverWith(srt, 'main_1'), 'srt://live.example.com:9000?streamid=main_1&latency=400000')
  assert.equal(rtmp && serverWith(rtmp, 'main_1'), 'rtmp://live.example.com/live')
})

test('viewers are sent to their own listener', () => {
  const two = node({ http: '[::]:8080', admin: '127.0.0.1:8081' })
  assert.equal(watchBase(two, { protocol: 'http:', hostname: 'localhost', port: '8081' }), 'http://localhost:8080')
  assert.equal(watchBase(two, { protocol: 'http:', hostname: 'localhost', port: '8080' }), '')
  assert.equal(watchBase(node({ http: '[::]:8080' }), { protocol: 'http:', hostname: 'localhost', port: '8080' }), '')
  assert.equal(absolute('/watch/main', 'http://a'), 'http://a/watch/main')
  assert.equal(absolute('https://b/watch/main', 'http://a'), 'https://b/watch/main')
})
