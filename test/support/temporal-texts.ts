/** All that the histories of workflows say, as text that can be searched. */
import type { Client } from '@temporalio/client';

/**
 * Reads every event of the workflows that a query finds, once visibility has them: payloads decoded, search attributes,
 * memos and ids included. @returns by workflow id
 */
export async function textOfHistories(client: Client, query: string): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for await (const { workflowId, runId, raw } of client.workflow.list({ query })) {
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    const text = [workflowId, ...textsIn(raw), ...textsIn(history)].join('\n');
    texts.set(workflowId, `${texts.get(workflowId) ?? ''}\n${text}`);
  }
  return texts;
}

/** Every text in a message of Temporal; bytes are payloads, of which those that are packed would hide what they say. */
function* textsIn(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (value instanceof Uint8Array) yield Buffer.from(value).toString('utf8');
  else if (typeof value === 'object' && value !== null)
    for (const [name, inner] of Object.entries(value)) {
      yield name;
      yield* textsIn(inner);
    }
}
