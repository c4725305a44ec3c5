/** Notes the statements that the product sends to PostgreSQL: as they are, so that no copy of one goes stale. */
import { Client } from 'pg';

export interface RecordedStatement {
  /** What sent it. */
  by: string;
  text: string;
  values: readonly unknown[];
  /** What its transaction had set for itself before. */
  settings: readonly string[];
}

interface Asked {
  text: string;
  values: readonly unknown[];
}
type Query = (this: Client, ...given: unknown[]) => unknown;

const isSetting = /set_config\(/i;
const isOfInterest = /^\s*(SELECT|WITH|UPDATE|DELETE)\b/i;

/**
 * Records while `work` runs.
 * @param work is told how to name what it does next
 * @returns each text once for each name, as it was sent first
 */
export async function recordStatements(
  work: (name: (by: string) => void) => Promise<void>,
): Promise<RecordedStatement[]> {
  const whole = Reflect.get(Client.prototype, 'query') as Query;
  const settings = new WeakMap<Client, RecordedStatement[]>();
  const recorded = new Map<string, RecordedStatement>();
  let by = '';
  const record = (client: Client, { text, values }: Asked): void => {
    const before = settings.get(client) ?? [];
    const statement = { by, text, values, settings: before.map((setting) => withValues(setting)) };
    if (text === 'BEGIN') settings.set(client, []);
    else if (isSetting.test(text)) settings.set(client, [...before, statement]);
    else if (isOfInterest.test(text)) {
      const key = `${by}: ${text}`;
      if (!recorded.has(key)) recorded.set(key, statement);
    }
  };
  Reflect.set(Client.prototype, 'query', function query(this: Client, ...given: unknown[]): unknown {
    record(this, askedBy(given));
    return whole.apply(this, given);
  });
  try {
    await work((name) => (by = name));
  } finally {
    Reflect.set(Client.prototype, 'query', whole);
  }
  return [...recorded.values()];
}

function askedBy([first, second]: unknown[]): Asked {
  if (typeof first === 'string') return { text: first, values: Array.isArray(second) ? second : [] };
  const { text = '', values = [] } = (first ?? {}) as Partial<Asked>;
  return { text, values };
}

/** A setting takes texts only. */
function withValues({ text, values }: RecordedStatement): string {
  return text.replaceAll(/\$(\d+)/g, (_, place: string) => `'${String(values[Number(place) - 1])}'`);
}
