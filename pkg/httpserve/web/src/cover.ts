// What to say in place of the picture, or over it.

import type { Answer } from './api'

export interface Situation {
  name: string
  answer: Answer | 'unknown'
  // A player exists, or another one is about to.
  active: boolean
  // The present player has shown a picture.
  shown: boolean
  stalled: boolean
  // The player has played to the stream's end.
  finished: boolean
  blocked: boolean
  trouble: string
}

export interface Cover {
  // For style sheets and tests.
  state: 'opening' | 'waiting' | 'starting' | 'playing' | 'stalled' | 'blocked' | 'reconnecting' | 'ended' | 'trouble'
  title: string
  text: string
  // The picture stays visible.
  clear: boolean
  // Nothing is under way: no moving river.
  still: boolean
  // What to tell while the picture goes on.
  notice: string
}

export function coverFor(s: Situation): Cover {
  const base = { title: '', text: '', clear: false, still: false, notice: '' }
  const state = typeof s.answer === 'string' ? s.answer : s.answer.state
  const picture = s.active && s.shown && !s.finished
  if (picture) return overPicture(s, state)
  if (s.trouble !== '' && (state === 'live' || state === 'unreachable')) {
    return { ...base, state: 'trouble', title: s.trouble, text: s.active ? 'Trying again…' : '', still: !s.active }
  }
  switch (state) {
    case 'unknown':
      return { ...base, state: 'opening', title: 'Opening…' }
    case 'unreachable':
      return { ...base, state: 'trouble', title: 'Weir does not answer', text: 'Check your connection. Trying again…' }
    case 'none':
    case 'waiting':
      return {
        ...base,
        state: 'waiting',
        title: 'Waiting for the stream…',
        text: state === 'none' ? 'It starts here by itself when it goes live.' : 'The first pictures are on the way.',
      }
    case 'reconnecting':
      return {
        ...base,
        state: 'reconnecting',
        title: 'Reconnecting…',
        text: 'The stream was interrupted. It goes on here by itself when it is back.',
      }
    case 'ended':
      return { ...base, state: 'ended', title: 'The stream has ended', text: 'It starts here by itself when it comes back.', still: true }
    case 'live':
      if (s.blocked) return { ...base, state: 'blocked', still: true }
      return { ...base, state: 'starting', title: 'Starting…' }
  }
}

function overPicture(s: Situation, state: string): Cover {
  const base = { title: '', text: '', clear: true, still: !s.stalled }
  const notice =
    state === 'reconnecting'
      ? 'The stream was interrupted. Waiting for it to come back…'
      : state === 'unreachable'
        ? 'Weir does not answer. Trying again…'
        : ''
  return { ...base, state: s.blocked ? 'blocked' : s.stalled ? 'stalled' : 'playing', notice }
}
