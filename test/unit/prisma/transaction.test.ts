import { EventEmitter } from 'node:events';
import { DatabaseError, type PoolClient, type QueryConfig, type QueryResult } from 'pg';
import { createStatementNames } from '../../../prisma/statements';
import { runTransaction, statementsOf, type Transaction } from '../../../prisma/transaction';

type Answered = (error: Error | null, result: Pick<QueryResult, 'command' | 'rows' | 'rowCount'>) => void;

/** A connection that answers when the test says so. */
function givenConnection() {
  const sent: string[] = [];
  const waiting: { text: string; answered: Answered }[] = [];
  const released: (Error | undefined)[] = [];
  const client = Object.assign(new EventEmitter(), {
    query: ({ text }: QueryConfig, answered: Answered) => {
      sent.push(text);
      waiting.push({ text, answered });
    },
    release: (error?: Error) => released.push(error),
  });
  const pool = { connect: () => Promise.resolve(client as EventEmitter as PoolClient) };
  /** Answers the oldest statement, with its own command unless another is given. */
  const answer = async (with_: { error?: Error; command?: string } = {}): Promise<void> => {
    const next = waiting.shift();
    if (next === undefined) throw new Error('nothing was sent');
    const command = with_.command ?? next.text.split(' ', 1)[0] ?? '';
    next.answered(with_.error ?? null, { command, rows: [], rowCount: 0 });
    await settled();
  };
  return { sent, released, client, pool, answer };
}

/** What follows from an answer happens in microtasks alone. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

function databaseError(code: string): DatabaseError {
  return Object.assign(new DatabaseError(`refused with ${code}`, 0, 'error'), { code });
}

const given = () => {
  const connection = givenConnection();
  const start = <T>(work: (tx: ReturnType<typeof statementsOf>) => Promise<T>) => {
    const outcome = runTransaction(connection.pool, createStatementNames(), (tx: Transaction) =>
      work(statementsOf(tx)),
    ).then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
    return settled().then(() => outcomeOf(outcome));
  };
  return { ...connection, start };
};
/** Wrapped, so that awaiting the start does not await the end. */
const outcomeOf = <T>(ended: Promise<T>) => ({ ended });

describe('a transaction', () => {
  it('sends a SELECT together with BEGIN', async () => {
    const { start, sent, released, answer } = given();
    const { ended } = await start((tx) => tx.query`SELECT 1`);
    expect(sent).toEqual(['BEGIN', 'SELECT 1']);
    await answer();
    await answer();
    expect(sent).toEqual(['BEGIN', 'SELECT 1', 'COMMIT']);
    await answer();
    expect(await ended).toEqual({ value: [] });
    expect(released).toEqual([undefined]);
  });

  it('sends nothing that changes rows, nor what was requested behind it, before BEGIN is confirmed', async () => {
    const { start, sent, answer } = given();
    await start(async (tx) => {
      tx.enqueue`INSERT 1`;
      tx.enqueue`INSERT 2`;
      await tx.query`SELECT 3`;
    });
    expect(sent).toEqual(['BEGIN']);
    await answer();
    expect(sent).toEqual(['BEGIN', 'INSERT 1', 'INSERT 2', 'SELECT 3']);
  });

  it('sends COMMIT behind what was enqueued without waiting for its answer', async () => {
    const { start, sent, answer } = given();
    const { ended } = await start(async (tx) => tx.enqueue`INSERT 1`);
    await answer();
    expect(sent).toEqual(['BEGIN', 'INSERT 1', 'COMMIT']);
    await answer();
    await answer();
    expect(await ended).toEqual({ value: undefined });
  });

  it('sends nothing more when BEGIN failed, and gives the connection away', async () => {
    const { start, sent, released, answer } = given();
    const refused = databaseError('57014');
    const { ended } = await start(async (tx) => {
      await tx.query`SELECT 1`;
      await tx.execute`INSERT 2`;
    });
    await answer({ error: refused });
    await answer();
    expect(await ended).toEqual({ error: refused });
    expect(sent).toEqual(['BEGIN', 'SELECT 1']);
    expect(released).toEqual([refused]);
  });

  it('rejects what waited for a BEGIN that failed', async () => {
    const { start, sent, released, answer } = given();
    const refused = databaseError('57014');
    const { ended } = await start(async (tx) => {
      tx.enqueue`INSERT 1`;
      await tx.execute`INSERT 2`;
    });
    await answer({ error: refused });
    expect(await ended).toEqual({ error: refused });
    expect([sent, released]).toEqual([['BEGIN'], [refused]]);
  });

  it('fails when PostgreSQL answers COMMIT with ROLLBACK', async () => {
    const { start, released, answer } = given();
    const { ended } = await start((tx) => tx.query`SELECT 1`);
    await answer();
    await answer();
    await answer({ command: 'ROLLBACK' });
    expect(await ended).toEqual({ error: new Error('PostgreSQL rolled back') });
    expect(released).toEqual([undefined]);
  });

  it('rolls back when an enqueued statement could not be sent, since PostgreSQL knows of no failure', async () => {
    const { start, sent, released, answer } = given();
    const { ended } = await start(async (tx) => {
      tx.enqueue`INSERT 1`;
      await tx.query`SELECT 2`;
    });
    await answer();
    const unsendable = new TypeError('Do not know how to serialize a BigInt');
    await answer({ error: unsendable });
    await answer();
    expect(sent).toEqual(['BEGIN', 'INSERT 1', 'SELECT 2', 'ROLLBACK']);
    await answer();
    expect(await ended).toEqual({ error: unsendable });
    expect(released).toEqual([undefined]);
  });

  it('fails when the answer that an enqueued statement failed comes with that of COMMIT', async () => {
    const { start, answer } = given();
    const { ended } = await start(async (tx) => tx.enqueue`INSERT 1`);
    await answer();
    const unreadable = new TypeError('the row cannot be read');
    await answer({ error: unreadable });
    await answer({ command: 'COMMIT' });
    expect(await ended).toEqual({ error: unreadable });
  });

  it('fails with the first of the statements that failed, not with what followed from it', async () => {
    const { start, answer } = given();
    const deadlock = databaseError('40P01');
    const { ended } = await start((tx) =>
      // The caller of the second statement learns sooner.
      Promise.all([tx.query`SELECT 1`.then((rows) => rows).then((rows) => rows), tx.query`SELECT 2`]),
    );
    await answer();
    await Promise.all([answer({ error: deadlock }), answer({ error: databaseError('25P02') })]);
    await answer();
    expect(await ended).toEqual({ error: deadlock });
  });

  it('rolls back and keeps the connection when its work fails', async () => {
    const { start, sent, released, answer } = given();
    const mistake = new Error('changed its mind');
    const { ended } = await start(() => Promise.reject(mistake));
    await answer();
    expect(sent).toEqual(['BEGIN', 'ROLLBACK']);
    await answer();
    expect(await ended).toEqual({ error: mistake });
    expect(released).toEqual([undefined]);
  });

  it.each([
    ['COMMIT', () => Promise.resolve()],
    ['ROLLBACK', () => Promise.reject(new Error('changed its mind'))],
  ])('gives a connection away that did not answer %s', async (text, work) => {
    const { start, sent, released, answer } = given();
    const lost = new Error('Connection terminated');
    const { ended } = await start(work);
    await answer();
    expect(sent).toEqual(['BEGIN', text]);
    await answer({ error: lost });
    expect('error' in (await ended)).toBe(true);
    expect(released).toEqual([lost]);
  });

  it('gives a connection away that was lost meanwhile', async () => {
    const { start, client, released, answer } = given();
    const lost = new Error('Connection terminated');
    const { ended } = await start((tx) => tx.query`SELECT 1`);
    await answer();
    client.emit('error', lost);
    await answer();
    await answer();
    await ended;
    expect(released).toEqual([lost]);
    expect(client.listenerCount('error')).toBe(0);
  });
});

describe('a transaction that takes longer than 5 s', () => {
  let clock: jest.SpyInstance<number>;
  beforeEach(() => {
    clock = jest.spyOn(performance, 'now').mockReturnValue(1_000);
  });
  afterEach(() => clock.mockRestore());

  it('has its statements refused and is rolled back', async () => {
    const { start, sent, answer } = given();
    const { ended } = await start(async (tx) => {
      await tx.query`SELECT 1`;
      clock.mockReturnValue(6_001);
      await tx.execute`INSERT 2`;
    });
    await answer();
    await answer();
    expect(sent).toEqual(['BEGIN', 'SELECT 1', 'ROLLBACK']);
    await answer();
    expect(await ended).toMatchObject({ error: { name: 'TransactionTimeout', code: 'P2028' } });
  });

  it('is rolled back although its work asks for nothing more', async () => {
    jest.useFakeTimers({ doNotFake: ['performance'] });
    const { start, sent, answer } = given();
    const { ended } = await start(() => new Promise<never>(() => undefined));
    await answer();
    jest.advanceTimersByTime(5_000);
    await settled();
    expect(sent).toEqual(['BEGIN', 'ROLLBACK']);
    await answer();
    expect(await ended).toMatchObject({ error: { name: 'TransactionTimeout' } });
    jest.useRealTimers();
  });

  it('does not commit', async () => {
    const { start, sent, answer } = given();
    const { ended } = await start(async (tx) => {
      await tx.query`SELECT 1`;
      clock.mockReturnValue(6_001);
    });
    await answer();
    await answer();
    expect(sent).toEqual(['BEGIN', 'SELECT 1', 'ROLLBACK']);
    await answer();
    expect(await ended).toMatchObject({ error: { name: 'TransactionTimeout' } });
  });
});

describe('the names of statements', () => {
  it('stay the same for the same text, and end at the limit', () => {
    const nameOf = createStatementNames(2);
    const names = ['a', 'b', 'a', 'c', 'b'].map((sql) => nameOf({ sql }));
    expect(names).toEqual(['s0', 's1', 's0', '', 's1']);
  });

  it('are 500 for each database', () => {
    const nameOf = createStatementNames();
    const names = Array.from({ length: 600 }, (_, index) => nameOf({ sql: `SELECT ${index}` }));
    expect(new Set(names).size).toBe(501);
  });
});
