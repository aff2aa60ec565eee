/** A store with something to see in it: gauges, counters, long labels, ten minutes of samples, archived series. */
import { type Store, systemClock } from '../../src/index.ts';

const stepMs = 1000;
const steps = 600;
const rooms = ['kitchen', 'cellar', 'attic', 'hall'];
const paths = ['/', '/login', '/api/v1/resources/with/a/long/path/that/has/to/be/cut/somewhere/in/the/legend', '/cart'];

const temperature = (room: number, step: number): number =>
  Math.round(100 * (18 + 2 * room + 1.5 * Math.sin(step / (40 + 9 * room)) + 0.3 * Math.sin(step * 1.7 + room))) / 100;

const fill = (store: Store, now: number): void => {
  const first = now - steps * stepMs;
  const totals = paths.map(() => 0);
  for (let step = 0; step < steps; step++) {
    const time = first + step * stepMs;
    rooms.forEach((room, i) => {
      store.append({ __name__: 'room_temperature_celsius', room }, time, temperature(i, step));
    });
    paths.forEach((path, i) => {
      totals[i] += Math.round(20 + 9 * i + (6 + 2 * i) * Math.sin(step / (50 + 12 * i)));
      store.append({ __name__: 'http_requests_total', method: 'GET', path, code: '200' }, time, totals[i]);
    });
  }
};

/** Fills a store; old series are archived by the time this resolves. */
export const fillDemoStore = async (store: Store): Promise<void> => {
  const now = systemClock.now();
  for (let i = 0; i < 30; i++)
    for (let step = 0; step < 50; step++)
      store.append(
        { __name__: 'job_duration_seconds', job: `nightly-${i}` },
        now - 86_400_000 + step * 60_000,
        i + step,
      );
  fill(store, now);
  await store.flush();
  await store.maintain();
  await store.maintain();
  await store.waitForIndexing();
};
