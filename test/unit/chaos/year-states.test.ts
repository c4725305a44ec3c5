/** The judge of `npm run chaos:year` knows each state in which something waits. */
import { openStates } from '../../../domain/open-states';
import { openWithoutRight } from '../../chaos/year/at-the-end';

test('each open state is judged at the end of the year, or may last', () => {
  const states = openStates.map(({ entity, states: of }) => `${entity}: ${of.join(', ')}`);
  expect(Object.keys(openWithoutRight)).toEqual(states);
});
