// What the stream doctor says: at which hop, by which evidence, and what to do.

import { measured, time } from '../format'
import { Card, Icon } from '../parts'
import type { Finding, Stream } from '../types'
import { grade, gradeWords, severityOf, sorted } from '../verdict'
import { type Hop, hops, hopTitle } from './hops'

export function Health({ stream }: { stream: Stream }) {
  const findings = sorted(stream.health)
  const mark = grade(findings)
  const idle = !stream.session
  return (
    <Card
      title="Stream health"
      id="health"
      aside={idle ? <span class="grade" data-grade="idle">Nothing to judge</span> : <span class="grade" data-grade={mark}>{gradeWords[mark]}</span>}
    >
      <Path hops={hops(stream)} />
      {findings.length > 0 ? (
        <ul class="findings">
          {findings.map((f) => (
            <FindingItem key={f.code} finding={f} />
          ))}
        </ul>
      ) : (
        <p class="soft">{idle ? 'Findings appear here while a stream arrives.' : 'Nothing to mend: what arrives is what viewers’ players like best.'}</p>
      )}
    </Card>
  )
}

const marks = { good: 'check', notes: 'info', warning: 'warning', error: 'warning', idle: 'pause' } as const
const gradesInWords = { good: 'no problems', notes: 'fine, with a note', warning: 'needs attention', error: 'viewers notice', idle: 'idle' }

function Path({ hops }: { hops: Hop[] }) {
  return (
    <ol class="path" aria-label="The way of your stream">
      {hops.map((h) => (
        <li key={h.name} data-grade={h.grade}>
          <span class="path-mark">
            <Icon name={marks[h.grade]} />
          </span>
          <span class="path-title">{h.title}</span>
          <span class="path-fact">{h.fact}</span>
          <span class="unseen">{gradesInWords[h.grade]}</span>
        </li>
      ))}
    </ol>
  )
}

function FindingItem({ finding }: { finding: Finding }) {
  const severity = severityOf(finding)
  const hop = hopTitle(finding)
  return (
    <li class="finding" data-severity={severity} data-code={finding.code}>
      <Icon name={severity === 'info' ? 'info' : 'warning'} />
      <div>
        <p class="finding-head">
          {finding.title && <b>{finding.title}</b>}
          {hop && <span class="chip">{hop}</span>}
          {finding.since && <span class="small">since {time(finding.since)}</span>}
        </p>
        <p>{finding.message}</p>
        {finding.evidence && finding.evidence.length > 0 && (
          <ul class="evidence" aria-label="Measured">
            {finding.evidence.map((e) => (
              <li key={e.name}>
                {e.name.replaceAll('_', ' ')} <b>{measured(e.value, e.unit)}</b>
              </li>
            ))}
          </ul>
        )}
        {finding.remedy && (
          <p class="remedy">
            <b>What to do:</b> {finding.remedy}
          </p>
        )}
      </div>
    </li>
  )
}
