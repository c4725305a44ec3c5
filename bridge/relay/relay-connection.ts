/**
 * The relay's own connection to PostgreSQL: the session that holds the locks of its shards.
 *
 * Owns: how long the session may be silent on either side, and the order of its statements. Invariant: a relay that
 * died, hangs or has vanished from the network holds no lock after a few seconds.
 */
import { Client, type QueryConfig, type QueryResult, type QueryResultRow } from 'pg';

/** A connection that does not answer is given up. */
const answerWithinMs = 15_000;
/**
 * What PostgreSQL itself ends, so that a shard is free again well within 10 s: a session that says nothing (its
 * process hangs, or the network swallows its words), one whose host does not even acknowledge, a statement that hangs.
 */
const sessionLimits = [
  'idle_session_timeout=6000',
  'tcp_user_timeout=5000',
  'tcp_keepalives_idle=2',
  'tcp_keepalives_interval=1',
  'tcp_keepalives_count=3',
  'statement_timeout=10000',
];
/** As in every session; whatever the server has. */
const timeZone = ['TimeZone=UTC'];
/** Whatever the statistics say: the way over the primary key would pass all that was ever published. */
const planning = ['enable_seqscan=off', 'enable_bitmapscan=off', 'enable_sort=off'];
/** No values change what is the best plan, so each statement is planned once. */
const planCache = ['plan_cache_mode=force_generic_plan'];
/** A mark that is lost with the server has its record published again, as one that was never written. */
const durability = ['synchronous_commit=off'];

export interface RelayConnection {
  /** May be called several times at once; the statements take turns. */
  query<Row extends QueryResultRow>(query: QueryConfig): Promise<QueryResult<Row>>;
  /** Rejects when the connection is lost; never resolves. */
  readonly lost: Promise<never>;
  close(): Promise<void>;
}

/** @param onNotification gets the payload of what is notified on `channel` */
export async function openRelayConnection(
  databaseUrl: string,
  channel: string,
  onNotification: (payload: string) => void,
): Promise<RelayConnection> {
  const client = new Client({
    connectionString: databaseUrl,
    application_name: 'perennial-relay',
    keepAlive: true,
    connectionTimeoutMillis: 5_000,
    query_timeout: answerWithinMs,
    options: [...sessionLimits, ...timeZone, ...planning, ...planCache, ...durability]
      .map((limit) => `-c ${limit}`)
      .join(' '),
  });
  const lost = new Promise<never>((_, reject) => {
    client.on('error', reject);
    client.on('end', () => reject(new Error('the connection to PostgreSQL ended')));
  });
  lost.catch(() => undefined);
  client.on('notification', ({ payload = '' }) => onNotification(payload));
  let lastTurn: Promise<unknown> = client.connect();
  await lastTurn;
  const query = <Row extends QueryResultRow>(asked: QueryConfig): Promise<QueryResult<Row>> => {
    const turn = lastTurn.then(() => client.query<Row>(asked));
    lastTurn = turn.catch(() => undefined);
    return turn;
  };
  await query({ text: `LISTEN ${channel}` }).catch(async (error: unknown) => {
    await client.end();
    throw error;
  });
  return { query, lost, close: () => client.end() };
}
