import { derivedTrace, newTrace, readTrace, renewalTrace, traceIdOf } from '../../../domain/trace';
import { testApp } from '../api/test-app';

const given = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const newUuid = () => '01946a30-5c00-7000-8000-00000000002a';
const made = '00-01946a305c007000800000000000002a-800000000000002a-00';
const taken = (traceparent: unknown) => readTrace(traceparent, undefined) ?? newTrace(newUuid);

describe('the trace context that somebody sends', () => {
  it('is passed on when it is well-formed, also of a later version', () => {
    expect(taken(given)).toEqual({ traceparent: given });
    const later = given.replace('00-', 'cc-').concat('-what-will-be');
    expect(taken(later)).toEqual({ traceparent: later });
    expect(traceIdOf({ traceparent: given })).toBe('0af7651916cd43dd8448eb211c80319c');
  });

  it.each([
    ['nothing', undefined],
    ['a number', 7],
    ['another text', 'abc'],
    ['capital letters', given.toUpperCase()],
    ['a trace id of zeros', given.replace(/-[0-9a-f]{32}-/, `-${'0'.repeat(32)}-`)],
    ['a parent id of zeros', given.replace(/-[0-9a-f]{16}-/, `-${'0'.repeat(16)}-`)],
    ['the version that is none', given.replace('00-', 'ff-')],
    ['more than its version has', `${given}-more`],
    ['two that were joined', `${given}, ${given}`],
    ['a line break at its end', `${given}\n`],
    ['what cannot be stored', `cc${given.slice(2)}-\u0000`],
    ['a text without end', `cc${given.slice(2)}-${'a'.repeat(200)}`],
  ])('is made anew for %s', (_, header) => {
    expect(taken(header)).toEqual({ traceparent: made });
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

describe('tracestate', () => {
  const stateOf = (tracestate: unknown) => readTrace(given, tracestate)?.tracestate;
  const members = (count: number, size = 1) =>
    Array.from({ length: count }, (_, at) => `k${at}=${'v'.repeat(size)}`);

  it('is passed on with its members as they came, without blanks around them', () => {
    expect(stateOf('rojo=00f067aa0ba902b7')).toBe('rojo=00f067aa0ba902b7');
    expect(stateOf('a=1 ,\tb@c/d-e_f*=x y!,')).toBe('a=1,b@c/d-e_f*=x y!');
  });

  it.each([
    ['more than 32 members', members(40), 32],
    ['more than 512 characters', members(20, 100), 4],
    ['one member that is too long alone', [`a=1`, `b=${'v'.repeat(256)}`, `c=${'v'.repeat(256)}`, 'd=1'], 2],
    ['a million members', members(1_000_000), 32],
  ])('loses whole members from its end: %s', (_, list, kept) => {
    expect(stateOf(list.join(','))).toBe(list.slice(0, kept).join(','));
  });

  it.each([
    ['a member without a value', 'a=1,b'],
    ['capital letters in a key', 'A=1'],
    ['a control character', 'a=1\u0000'],
    ['letters beyond ASCII', 'a=é'],
    ['a value that is too long', `a=${'v'.repeat(257)}`],
    ['nothing', ''],
    ['no text', ['a=1']],
  ])('is left out when it has %s', (_, tracestate) => {
    expect(readTrace(given, tracestate)).toEqual({ traceparent: given });
  });

  it('is not passed on without its traceparent', () => {
    expect(readTrace('abc', 'a=1')).toBeNull();
  });
});

describe('a derived trace context', () => {
  it('is the same for the same, another for another, and well-formed', () => {
    const trace = renewalTrace('sub_1', 2);
    expect(renewalTrace('sub_1', 2)).toEqual(trace);
    expect(readTrace(trace.traceparent, undefined)).toEqual(trace);
    const others = [
      renewalTrace('sub_1', 3),
      renewalTrace('sub_2', 2),
      derivedTrace(['payment', 'sub_1', 2]),
    ];
    expect(new Set([trace, ...others].map(traceIdOf)).size).toBe(4);
  });
});
