// Server-sent events (HTML, 9.2.6) read from the body of a fetch, since a
// browser's EventSource cannot send a token.

export interface Message {
  id: string
  event: string
  data: string
}

// Parser cuts text that comes in any pieces into messages.
export class Parser {
  private rest = ''
  private id = ''
  private event = ''
  private data: string[] = []

  push(text: string): Message[] {
    const out: Message[] = []
    const lines = (this.rest + text).split('\n')
    this.rest = lines.pop() ?? ''
    for (const line of lines) {
      const message = this.line(line.endsWith('\r') ? line.slice(0, -1) : line)
      if (message) out.push(message)
    }
    return out
  }

  private line(line: string): Message | null {
    if (line === '') return this.finish()
    const colon = line.indexOf(':')
    if (colon === 0) return null // a comment
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'id') this.id = value
    if (field === 'event') this.event = value
    if (field === 'data') this.data.push(value)
    return null
  }

  private finish(): Message | null {
    const { id, event, data } = this
    this.id = this.event = ''
    this.data = []
    return data.length > 0 ? { id, event: event || 'message', data: data.join('\n') } : null
  }
}
