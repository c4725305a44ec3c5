/** Trace contexts of tests. */
import type { TraceContext } from '../../domain/trace';

/** One that is told from others by its digit, not 0. */
export const traceOf = (digit: string): TraceContext => ({
  traceparent: `00-${digit.repeat(32)}-${digit.repeat(16)}-01`,
});

/** Of tests that ask nothing of it. */
export const someTrace = traceOf('9');
