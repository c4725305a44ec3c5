import type { IncomingMessage } from 'node:http';
import { traceIdOf, traceparentOf } from '../../../api/http/trace-context';
import { testApp } from './test-app';

const given = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const newUuid = () => '01946a30-5c00-7000-8000-00000000002a';
const made = '00-01946a305c007000800000000000002a-800000000000002a-00';
const taken = (traceparent: string | undefined) =>
  traceparentOf({ headers: { traceparent } } as unknown as IncomingMessage, newUuid);

describe('the trace context of a request', () => {
  it('is the caller’s own when it is well-formed, also of a later version', () => {
    expect(taken(given)).toBe(given);
    const later = given.replace('00-', 'cc-').concat('-what-will-be');
    expect(taken(later)).toBe(later);
    expect(traceIdOf(given)).toBe('0af7651916cd43dd8448eb211c80319c');
  });

  it.each([
    ['nothing', undefined],
    ['another text', 'abc'],
    ['capital letters', given.toUpperCase()],
    ['a trace id of zeros', given.replace(/-[0-9a-f]{32}-/, `-${'0'.repeat(32)}-`)],
    ['a parent id of zeros', given.replace(/-[0-9a-f]{16}-/, `-${'0'.repeat(16)}-`)],
    ['the version that is none', given.replace('00-', 'ff-')],
    ['more than its version has', `${given}-more`],
    ['a text without end', `cc${given.slice(2)}-${'a'.repeat(200)}`],
  ])('is made anew for %s', (_, header) => {
    expect(taken(header)).toBe(made);
  });

  it('is found in the line that the API logs', async () => {
    const app = await testApp();
    await (await app.get('/healthz', { traceparent: given })).text();
    await app.end();
    const line = app.logged.map((text) => JSON.parse(text) as Record<string, unknown>);
    expect(line.find(({ route }) => route === '/healthz')).toMatchObject({
      trace_id: '0af7651916cd43dd8448eb211c80319c',
    });
  });
});
