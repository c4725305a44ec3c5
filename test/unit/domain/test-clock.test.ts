import { decideAdvance, nextStop } from '../../../domain/test-clock';

const at = '2027-01-31T00:00:00.000Z';

describe('an advance', () => {
  it.each([
    ['to the clock’s own time', at],
    ['to the last instant allowed', '2029-01-31T00:00:00.000Z'],
  ])('is accepted %s', (_, to) => {
    expect(decideAdvance({ now: at, status: 'ready' }, to)).toEqual({ kind: 'advance' });
  });

  it('is accepted again after it failed', () => {
    expect(decideAdvance({ now: at, status: 'failed' }, '2027-02-01T00:00:00Z')).toEqual({ kind: 'advance' });
  });

  it.each([
    ['backwards', '2027-01-30T23:59:59.999Z', 'before'],
    ['further than two years', '2029-01-31T00:00:00.001Z', 'at most 2 years'],
  ])('is refused %s, naming the field', (_, to, detail) => {
    expect(decideAdvance({ now: at, status: 'ready' }, to)).toEqual({
      kind: 'refused',
      code: 'validation_failed',
      reason: 'to',
      detail: expect.stringContaining(detail),
    });
  });

  it('is refused while another one is on its way', () => {
    expect(decideAdvance({ now: at, status: 'advancing' }, '2027-02-01T00:00:00Z')).toMatchObject({
      kind: 'refused',
      code: 'test_clock_advancing',
    });
  });
});

describe('the next stop', () => {
  const now = new Date(at);
  const target = new Date('2027-06-01T00:00:00Z');
  const stop = (dueAt: string | null) => nextStop({ now, target }, dueAt === null ? null : new Date(dueAt));

  it('is the next due instant, the target’s own included', () => {
    expect(stop('2027-03-01T00:00:00Z')).toEqual({ at: new Date('2027-03-01T00:00:00Z'), due: true });
    expect(stop('2027-06-01T00:00:00Z')).toEqual({ at: target, due: true });
  });

  it('is the target when nothing is due before', () => {
    expect(stop(null)).toEqual({ at: target, due: false });
    expect(stop('2027-06-01T00:00:00.001Z')).toEqual({ at: target, due: false });
  });

  it('never lies back: what was due before is due now', () => {
    expect(stop('2026-01-01T00:00:00Z')).toEqual({ at: now, due: true });
  });
});
