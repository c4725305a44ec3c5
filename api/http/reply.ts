/** An answer as it goes over the wire: rendered once, so that a repeat is the same to the byte. */
import type { Response } from 'express';
import type { KeptAnswer } from '../../access/idempotency';
import type { ProblemError } from '../../contracts/problem-error';
import type { ProblemCode } from '../../contracts/problems';
import { problemBody, problemHeaders } from './problems';
import type { Answer } from './route';

/** What is kept of it for repeats differs from `text` only where that holds a secret. */
export interface Reply extends KeptAnswer {
  text: string | Buffer | null;
  problem: ProblemCode | null;
}

/** A handler's answer. */
export function replyOf(answer: Answer): Reply {
  const text = answer.file?.data ?? (answer.body === undefined ? null : JSON.stringify(answer.body));
  const kept = answer.bodyOfRepeats === undefined ? text : JSON.stringify(answer.bodyOfRepeats);
  const type = answer.file?.contentType ?? (text === null ? undefined : 'application/json');
  return {
    status: answer.status,
    headers: { ...(type === undefined ? {} : { 'Content-Type': type }), ...answer.headers },
    text,
    kept: typeof kept === 'string' ? kept : null,
    subjectId: answer.subjectId ?? null,
    subjectType: null,
    personalDataOf: answer.personalDataOf ?? null,
    problem: null,
  };
}

/** A refusal. */
export function replyOfProblem(error: ProblemError, requestId: string): Reply {
  const text = JSON.stringify(problemBody(error, requestId));
  return {
    status: error.status,
    headers: { 'Content-Type': 'application/problem+json', ...problemHeaders(error) },
    text,
    kept: text,
    subjectId: error.extras.subscription_id ?? null,
    subjectType: null,
    personalDataOf: null,
    problem: error.code,
  };
}

/** Renders an answer that was kept for repeats. */
export function replyOfKept(answer: KeptAnswer): Reply {
  const headers = { ...answer.headers, 'Idempotent-Replayed': 'true' };
  return { ...answer, headers, text: answer.kept, problem: null };
}

/** Writes the reply; the caller's connection going away is no error of ours. */
export function send(response: Response, reply: Reply): void {
  response.status(reply.status);
  for (const [name, value] of Object.entries(reply.headers)) response.setHeader(name, value);
  if (reply.text === null) {
    response.end();
    return;
  }
  // A text goes out in one write with its headers; bytes would take another.
  response.setHeader('Content-Length', Buffer.byteLength(reply.text));
  response.end(reply.text);
}
