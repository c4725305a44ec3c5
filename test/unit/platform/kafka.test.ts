import { clusterIdOf } from '../../../dev/platform/kafka';

test('no cluster id is taken for an option of the tool that formats', () => {
  const ids = Array.from({ length: 2_000 }, (_, n) => clusterIdOf(`/w/${n}/kafka`));
  expect(ids.filter((id) => !/^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/.test(id))).toEqual([]);
  expect(clusterIdOf('/w/1/kafka')).toBe(ids[1]);
});
