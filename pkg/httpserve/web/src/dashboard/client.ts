// Requests to the API with the token that was given at sign-in. The token is
// kept for this tab alone and is sent nowhere but to the API: it is in no
// cookie, so that no other site's page can use it.

import { timeout } from '../api'

const slot = 'weir.token'
const patience = 10_000

export const savedToken = (): string => sessionStorage.getItem(slot) ?? ''
export const saveToken = (token: string): void => sessionStorage.setItem(slot, token)
export const forgetToken = (): void => sessionStorage.removeItem(slot)

// A failure in words for the creator; status is 0 where Weir did not answer.
export class Failure extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message)
  }
}

const unreachable = 'Weir does not answer. Is it running, and can this device reach it?'

// request sends a request and returns the answer's JSON.
export async function request<T>(token: string, path: string, method = 'GET', body?: unknown): Promise<T> {
  const headers: Record<string, string> = { Authorization: `Bearer ${token}` }
  if (body !== undefined) headers['Content-Type'] = 'application/json'
  let res: Response
  try {
    res = await fetch(`/api/v1${path}`, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: timeout(patience),
    })
  } catch {
    throw new Failure(0, unreachable)
  }
  if (!res.ok) throw await failureOf(res)
  return res.status === 204 ? (undefined as T) : ((await res.json()) as T)
}

// failureOf reads the problem (RFC 9457) that an answer carries.
export async function failureOf(res: Response): Promise<Failure> {
  let detail = ''
  try {
    const problem = (await res.json()) as { title?: string; detail?: string; errors?: { message?: string }[] }
    detail = [problem.detail || problem.title || '', ...(problem.errors ?? []).map((e) => e.message ?? '')].filter(Boolean).join(' ')
  } catch {
    // A proxy's own page: its status says enough.
  }
  return new Failure(res.status, detail || `Weir answered ${res.status} ${res.statusText}.`)
}
