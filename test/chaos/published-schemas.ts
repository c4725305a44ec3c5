/** Records as another team checks them: against the published JSON Schemas, by a validator that is not ours. */
import Ajv2020, { type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { eventType } from '../../contracts/topics/envelope';
import { jsonSchemas } from '../../contracts/topics/json-schemas';
import { topicNames } from '../../contracts/topics/topics';

const schemas = jsonSchemas();
const ajv = new Ajv2020({ strict: false });
addFormats(ajv);

const validators = new Map<string, ValidateFunction>(
  topicNames.map((topic) => [topic, ajv.compile(schemas[`${eventType(topic)}.json`] ?? false)]),
);

/** What the schema of `topic` has against a record's value; null when nothing. */
export function misfitOf(topic: string, event: unknown): string | null {
  const validate = validators.get(topic);
  if (validate === undefined) return 'there is no schema of its topic';
  return validate(event) ? null : ajv.errorsText(validate.errors, { dataVar: 'the event' });
}
