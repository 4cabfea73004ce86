import assert from 'node:assert/strict'
import test from 'node:test'
import { grade, severityOf, sorted } from './verdict'
import type { Finding } from './types'

const finding = (severity: string, code = severity): Finding => ({ code, severity, message: '' })

test('the worst finding decides', () => {
  assert.equal(grade([]), 'good')
  assert.equal(grade([finding('info')]), 'notes')
  assert.equal(grade([finding('info'), finding('error'), finding('warning')]), 'error')
})

test('a severity that is not known yet is a warning', () => {
  assert.equal(grade([finding('critical')]), 'warning')
  assert.equal(severityOf(finding('critical')), 'warning')
})

test('findings keep their order within a severity', () => {
  const got = sorted([finding('info', 'a'), finding('error', 'b'), finding('info', 'c'), finding('error', 'd')])
  assert.deepEqual(got.map((f) => f.code), ['b', 'd', 'a', 'c'])
})
