// What was changed through the API, and by whom.

import { useApi } from '../console'
import { time } from '../format'
import { Card, Empty, Notice } from '../parts'

interface Entry {
  time: string
  who: string
  client: string
  action: string
  path: string
  status: number
}

const few = 15

export function Audit() {
  const { value, failure, reload } = useApi<{ entries: Entry[] }>('/audit')
  const entries = value?.entries ?? []
  return (
    <Card
      title="What was changed through the API"
      id="audit"
      aside={
        <button type="button" class="quiet" onClick={reload}>
          Look again
        </button>
      }
    >
      {failure && <Notice kind="error">{failure.message}</Notice>}
      {value && entries.length === 0 && <Empty title="Nothing since Weir started" />}
      {entries.length > 0 && (
        <table class="table">
          <thead>
            <tr>
              <th scope="col">When</th>
              <th scope="col">Who</th>
              <th scope="col">From</th>
              <th scope="col">What</th>
              <th scope="col">Of</th>
              <th scope="col">Result</th>
            </tr>
          </thead>
          <tbody>
            {entries.slice(0, few).map((e, i) => (
              <tr key={`${e.time} ${i}`}>
                <th scope="row">{time(e.time)}</th>
                <td data-label="Who">{e.who}</td>
                <td data-label="From">{e.client}</td>
                <td data-label="What">{e.action.replaceAll('-', ' ')}</td>
                <td data-label="Of">
                  <code>{e.path.replace('/api/v1', '')}</code>
                </td>
                <td data-label="Result">{e.status < 400 ? 'Done' : `Refused (${e.status})`}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {entries.length > few && <p class="soft small">The newest {few} of {entries.length}. The log has them all.</p>}
    </Card>
  )
}
