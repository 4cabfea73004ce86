// What all findings together mean. Pure: tested in verdict.test.ts.

import type { Finding } from './types'

const ranks: Record<string, number> = { error: 3, warning: 2, info: 1 }

// A severity that this page does not know yet counts as a warning.
export const rankOf = (f: Finding): number => ranks[f.severity] ?? 2

export const severityOf = (f: Finding): 'error' | 'warning' | 'info' => (['info', 'info', 'warning', 'error'] as const)[rankOf(f)] ?? 'warning'

// The worst first, as given otherwise.
export function sorted(findings: Finding[]): Finding[] {
  return [...findings].sort((a, b) => rankOf(b) - rankOf(a))
}

export const worst = (findings: Finding[]): Finding | undefined => sorted(findings)[0]

export type Grade = 'good' | 'notes' | 'warning' | 'error'

export function grade(findings: Finding[]): Grade {
  const top = worst(findings)
  if (!top) return 'good'
  return ({ error: 'error', warning: 'warning', info: 'notes' } as const)[severityOf(top)]
}

export const gradeWords: Record<Grade, string> = {
  good: 'Excellent',
  notes: 'Good',
  warning: 'Needs attention',
  error: 'Viewers notice',
}
