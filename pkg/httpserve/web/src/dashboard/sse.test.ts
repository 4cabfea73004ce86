import assert from 'node:assert/strict'
import test from 'node:test'
import { type Message, Parser } from './sse'

const text = ': alive\n\nevent: streams\ndata: {"streams":[]}\n\nid: 7\nevent: publish.started\r\ndata: a\ndata:b\n\ndata: plain\n\nid: 9\n\n'
const want: Message[] = [
  { id: '', event: 'streams', data: '{"streams":[]}' },
  { id: '7', event: 'publish.started', data: 'a\nb' },
  { id: '', event: 'message', data: 'plain' },
]

test('messages are the same however the bytes are cut', () => {
  for (let size = 1; size <= text.length; size++) {
    const parser = new Parser()
    const got: Message[] = []
    for (let i = 0; i < text.length; i += size) got.push(...parser.push(text.slice(i, i + size)))
    assert.deepEqual(got, want, `in pieces of ${size}`)
  }
})

test('what is not finished is not told', () => {
  assert.deepEqual(new Parser().push('data: half\n'), [])
})
