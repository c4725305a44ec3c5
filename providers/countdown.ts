/** How much of `timeoutMs` is left, for what takes several calls. */
export function countdown(timeoutMs: number): () => number {
  const end = performance.now() + timeoutMs;
  return () => end - performance.now();
}
