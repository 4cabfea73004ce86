// As much of Node as the unit tests need; the pages themselves run in browsers.
declare module 'node:test' {
  export default function test(name: string, run: () => void | Promise<void>): void
}
declare module 'node:assert/strict' {
  const assert: {
    equal(got: unknown, want: unknown, message?: string): void
    deepEqual(got: unknown, want: unknown, message?: string): void
    ok(value: unknown, message?: string): void
  }
  export default assert
}
