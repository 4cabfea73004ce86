// OBS's settings for the creator's uplink.

import { useState } from 'preact/hooks'
import { advise, encoders, settings, type Encoder, type Motion, type Setting } from './obs'
import { Card, Choice, Notice } from './parts'

const slot = 'weir.uplink'
const most = 1000
const motions = [
  ['fast', 'Games, sport'],
  ['calm', 'Talk, slides'],
] as const

interface Wish {
  uplink: number
  motion: Motion
  encoder: Encoder
}

function remembered(): Wish {
  const usual: Wish = { uplink: 10, motion: 'fast', encoder: 'nvenc' }
  try {
    return { ...usual, ...(JSON.parse(localStorage.getItem(slot) ?? '{}') as Partial<Wish>) }
  } catch {
    return usual
  }
}

export function Advisor() {
  const [wish, setWish] = useState(remembered)
  const [text, setText] = useState(String(wish.uplink))
  const change = (part: Partial<Wish>): void => {
    const next = { ...wish, ...part }
    setWish(next)
    localStorage.setItem(slot, JSON.stringify(next))
  }
  const type = (value: string): void => {
    setText(value)
    const uplink = Number(value.replace(',', '.'))
    if (uplink > 0 && uplink <= most) change({ uplink })
  }
  const advice = advise(wish.uplink, wish.motion)
  return (
    <Card title="2. Set the quality" id="quality">
      <div class="wishes">
        <label class="field">
          <span class="label">Upload speed</span>
          <span class="with-unit">
            <input type="text" inputMode="decimal" value={text} onInput={(e) => type(e.currentTarget.value)} aria-describedby="uplink-help" />
            <span>Mb/s</span>
          </span>
        </label>
        <Choice label="You show" value={wish.motion} options={motions} onChange={(motion) => change({ motion })} />
        <Choice label="Encoder" value={wish.encoder} options={encoders} onChange={(encoder) => change({ encoder })} />
      </div>
      <p class="soft small" id="uplink-help">
        Any speed test shows your upload. A third of it is left for bad moments.
      </p>
      <p class="verdict" role="status">
        <b>{advice.format.name}</b> at <b>{advice.bitrate} Kbps</b>
      </p>
      {advice.tight && <Notice kind="warning">This uplink is very narrow: expect interruptions, or stream sound alone.</Notice>}
      <SettingsTable rows={settings(advice, wish.encoder)} />
    </Card>
  )
}

function SettingsTable({ rows }: { rows: Setting[] }) {
  return (
    <table class="settings">
      <caption class="unseen">What to set in OBS</caption>
      <thead>
        <tr>
          <th scope="col">In Settings</th>
          <th scope="col">Set</th>
          <th scope="col">To</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row, i) => (
          <tr key={row.where + row.name} class={row.where === rows[i - 1]?.where ? '' : 'first'}>
            <td class="soft">{row.where === rows[i - 1]?.where ? <span class="unseen">{row.where}</span> : row.where}</td>
            <th scope="row">{row.name}</th>
            <td>
              <b>{row.value}</b>
              {row.why && <span class="soft small"> {row.why}</span>}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
