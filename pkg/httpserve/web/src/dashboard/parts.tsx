// Small pieces that several pages are made of.

import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef, useState } from 'preact/hooks'
import { stateWords } from '../api'
import type { State } from './types'

const paths = {
  copy: 'M8 4h9a2 2 0 0 1 2 2v10h-2V6H8zM5 8h8a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2v-9a2 2 0 0 1 2-2z',
  check: 'M9.6 17.2 4.4 12l1.5-1.5 3.7 3.7 8.5-8.5L19.6 7.2z',
  cross: 'M6.4 5 12 10.6 17.6 5 19 6.4 13.4 12l5.6 5.6-1.4 1.4-5.6-5.6L6.4 19 5 17.6l5.6-5.6L5 6.4z',
  warning: 'M12 3 1.8 20.5h20.4zM11 10h2v5h-2zm0 6.3h2v2h-2z',
  info: 'M12 2.5a9.5 9.5 0 1 0 0 19 9.5 9.5 0 0 0 0-19zM11 7h2v2h-2zm0 4h2v6h-2z',
  open: 'M14 4h6v6h-2V7.4l-8.3 8.3-1.4-1.4L16.6 6H14zM5 6h5v2H6v10h10v-4h2v5a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V7a1 1 0 0 1 1-1z',
  eye: 'M12 5c5 0 9 4.5 10.5 7C21 14.5 17 19 12 19S3 14.5 1.5 12C3 9.5 7 5 12 5zm0 3a4 4 0 1 0 0 8 4 4 0 0 0 0-8z',
  stop: 'M6 6h12v12H6z',
  pause: 'M7 11h10v2H7z',
  sound: 'M4 9.5v5h3.5L12 19V5L7.5 9.5zM15 8.2a5 5 0 0 1 0 7.6l1.2 1.4a6.8 6.8 0 0 0 0-10.4z',
  muted: 'M4 9.5v5h3.5L12 19V5L7.5 9.5zM15 10.4l1.1-1.1 1.9 1.9 1.9-1.9L21 10.4 19.1 12.3 21 14.2l-1.1 1.1-1.9-1.9-1.9 1.9-1.1-1.1 1.9-1.9z',
  key: 'M14.5 3a6.5 6.5 0 1 1-4.3 11.3L8 16.5V19H5.5v2.5H2V18l7-7a6.5 6.5 0 0 1 5.5-8zM16 6.5a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6z',
} as const

export type IconName = keyof typeof paths

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={paths[name]} fill="currentColor" fill-rule="evenodd" />
    </svg>
  )
}

export function Card(props: { title?: string; id?: string; aside?: ComponentChildren; class?: string; children: ComponentChildren }) {
  return (
    <section class={`card ${props.class ?? ''}`} aria-labelledby={props.title && props.id}>
      {props.title && (
        <header class="card-head">
          <h2 id={props.id}>{props.title}</h2>
          {props.aside}
        </header>
      )}
      {props.children}
    </section>
  )
}

export function StateMark({ state }: { state: State }) {
  return (
    <span class="state" data-state={state}>
      {stateWords[state] ?? state}
    </span>
  )
}

// A value to copy, with its button. A secret is dotted out until asked for.
export function CopyField({ label, value, secret }: { label: string; value: string; secret?: boolean }) {
  const [shown, show] = useState(!secret)
  const [copied, setCopied] = useState(false)
  const field = useRef<HTMLInputElement>(null)
  const id = useId()
  useEffect(() => {
    if (!copied) return
    const reset = setTimeout(() => setCopied(false), 2500)
    return () => clearTimeout(reset)
  }, [copied])
  const copy = async (): Promise<void> => {
    setCopied(await copyText(value, field.current))
  }
  return (
    <div class="copy">
      <label class="label" for={id}>
        {label}
      </label>
      <div class="copy-row">
        <input
          id={id}
          ref={field}
          readOnly
          autocomplete="off"
          spellcheck={false}
          value={shown ? value : '•'.repeat(24)}
          onFocus={(e) => shown && e.currentTarget.select()}
        />
        {secret && (
          <button type="button" class="quiet" onClick={() => show(!shown)} aria-pressed={shown} aria-label={`${shown ? 'Hide' : 'Show'} ${label}`}>
            {shown ? 'Hide' : 'Show'}
          </button>
        )}
        <button type="button" class="quiet" onClick={() => void copy()} aria-label={`${copied ? 'Copied' : 'Copy'} ${label}`}>
          <Icon name={copied ? 'check' : 'copy'} />
          <span>{copied ? 'Copied' : 'Copy'}</span>
        </button>
      </div>
      <span class="unseen" role="status">
        {copied ? `${label} copied` : ''}
      </span>
    </div>
  )
}

// The clipboard is there only over HTTPS and on localhost; elsewhere the old
// way still works.
async function copyText(text: string, field: HTMLInputElement | null): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    const area = document.createElement('textarea')
    area.value = text
    area.className = 'unseen'
    document.body.append(area)
    area.select()
    const done = document.execCommand('copy')
    area.remove()
    if (!done) field?.select()
    return done
  }
}

// One of a few choices, as a row of buttons.
export function Choice<T extends string>(props: { label: string; hideLabel?: boolean; value: T; options: readonly (readonly [T, string])[]; onChange(value: T): void }) {
  const name = `choice-${props.label.toLowerCase().replace(/\W+/g, '-')}`
  return (
    <fieldset class="choice">
      <legend class={props.hideLabel ? 'unseen' : 'label'}>{props.label}</legend>
      <div class="choice-row">
        {props.options.map(([value, words]) => (
          <label key={value}>
            <input type="radio" name={name} value={value} checked={value === props.value} onChange={() => props.onChange(value)} />
            <span>{words}</span>
          </label>
        ))}
      </div>
    </fieldset>
  )
}

export function Notice({ kind, children }: { kind: 'error' | 'warning' | 'info'; children: ComponentChildren }) {
  return (
    <div class="notice" data-kind={kind} role={kind === 'error' ? 'alert' : undefined}>
      <Icon name={kind === 'info' ? 'info' : 'warning'} />
      <div>{children}</div>
    </div>
  )
}

export function Pair({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  )
}

// A question that has to be answered first. The browser keeps the focus inside
// and closes it at Escape.
export function Dialog({ title, close, children }: { title: string; close(): void; children: ComponentChildren }) {
  const box = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null
    box.current?.showModal()
    // The browser gives the focus back only where a dialog is closed, not where
    // it is taken away.
    return () => before?.focus()
  }, [])
  const cancel = (e: Event): void => {
    e.preventDefault()
    close()
  }
  return (
    <dialog ref={box} aria-labelledby={id} onCancel={cancel}>
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  )
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children}
    </div>
  )
}
