/**
 * The metrics of the demo: a house with rooms, and a shop with requests, latencies and queues. The values are made from
 * the time alone, but for the counters, which go on from their last value.
 */
import type { Labels, MetricMetadata, Sample } from '../../index.ts';

const rooms = ['kitchen', 'cellar', 'attic', 'hall', 'study'];
const paths = ['/', '/login', '/cart', '/search', '/api/orders'];
const queues = ['mail', 'images', 'invoices'];
/** Upper bounds of the buckets of latencies, seconds. */
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

export const demoMetadata: readonly MetricMetadata[] = [
  { metric: 'room_temperature_celsius', type: 'gauge', help: 'Temperature of a room.', unit: 'celsius' },
  { metric: 'room_humidity_ratio', type: 'gauge', help: 'Relative humidity of a room.', unit: 'ratio' },
  { metric: 'http_requests_total', type: 'counter', help: 'Requests answered.', unit: '' },
  { metric: 'http_request_duration_seconds', type: 'histogram', help: 'Time to answer a request.', unit: 'seconds' },
  { metric: 'queue_length', type: 'gauge', help: 'Jobs that wait in a queue.', unit: '' },
  { metric: 'worker_busy_ratio', type: 'gauge', help: 'How busy a worker is; workers come and go.', unit: 'ratio' },
  { metric: 'job_duration_seconds', type: 'gauge', help: 'How long a job took; each job runs once.', unit: 'seconds' },
  { metric: 'batch_upload_value', type: 'gauge', help: 'Samples of a device that uploads many at once.', unit: '' },
  { metric: 'sensor_vibration', type: 'gauge', help: 'A sensor whose file the demo damages.', unit: '' },
];

/** A wave around 0 from -1 to 1, with a period in seconds. */
const wave = (timeMs: number, periodSeconds: number, shift = 0): number =>
  Math.sin((2 * Math.PI * timeMs) / 1000 / periodSeconds + shift);

/** Noise from 0 to 1, always the same for the same numbers. */
export const noise = (a: number, b: number): number => {
  const mixed = Math.imul(Math.trunc(a / 100) ^ Math.imul(b + 1, 0x9e3779b1), 0x85ebca6b);
  return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
};

const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));

/** The queue of mails is too long for twenty seconds of each minute, so an alert fires and is resolved again. */
const queueLength = (timeMs: number, i: number): number =>
  Math.round(50 + 45 * wave(timeMs, 60 + 300 * i, i) + 5 * noise(timeMs, i));

export class DemoMetrics {
  private readonly requests = paths.flatMap((path) => ['200', '500'].map((code) => ({ path, code, total: 0 })));
  private readonly latencies = paths.map((path) => ({ path, counts: bounds.map(() => 0), count: 0, sum: 0 }));
  private lastMs: number | undefined;

  /** The samples of a time. Counters grow by what happened since the call before. */
  at(timeMs: number): readonly Sample[] {
    const seconds = this.lastMs === undefined ? 0 : (timeMs - this.lastMs) / 1000;
    this.lastMs = timeMs;
    const samples: Sample[] = [];
    const add = (name: string, labels: Labels, value: number): void => {
      samples.push({ labels: { __name__: name, ...labels }, timestamp: timeMs, value });
    };
    rooms.forEach((room, i) => {
      const swing = i === 0 ? 4 * wave(timeMs, 90) : 0.4 * wave(timeMs, 240, i);
      const celsius = 17 + 1.5 * i + swing + 1.5 * wave(timeMs, 7200, i) + 0.3 * noise(timeMs, i);
      add('room_temperature_celsius', { room }, rounded(celsius, 2));
      add(
        'room_humidity_ratio',
        { room },
        rounded(0.45 + 0.1 * wave(timeMs, 3600, i) + 0.02 * noise(timeMs, 9 + i), 3),
      );
    });
    for (const [i, request] of this.requests.entries()) {
      const perSecond = request.code === '500' ? 0.3 * noise(timeMs, i) : 8 + 3 * i + (3 + i) * wave(timeMs, 180, i);
      request.total += Math.max(0, Math.round(perSecond * seconds));
      add('http_requests_total', { method: 'GET', path: request.path, code: request.code }, request.total);
    }
    for (const [i, latency] of this.latencies.entries()) this.addLatencies(latency, { i, timeMs, seconds, add });
    for (const [i, queue] of queues.entries()) add('queue_length', { queue }, queueLength(timeMs, i));
    return samples;
  }

  private addLatencies(
    latency: { readonly path: string; readonly counts: number[]; count: number; sum: number },
    {
      i,
      timeMs,
      seconds,
      add,
    }: {
      readonly i: number;
      readonly timeMs: number;
      readonly seconds: number;
      readonly add: (name: string, labels: Labels, value: number) => void;
    },
  ): void {
    const { path, counts } = latency;
    // The middle of the latencies wanders, so that a heatmap shows waves.
    const middle = 0.02 * 2 ** (i + 1.5 * wave(timeMs, 600, i));
    const requests = Math.round((8 + 3 * i) * seconds);
    for (let n = 0; n < Math.min(requests, 60); n++) {
      const each = requests / Math.min(requests, 60);
      const duration = middle * 4 ** (noise(timeMs + 100 * n, 31 * i + n) + noise(timeMs, 17 * n + i) - 1);
      latency.count += each;
      latency.sum += each * duration;
      for (const [b, bound] of bounds.entries()) if (duration <= bound) counts[b] += each;
    }
    const name = 'http_request_duration_seconds';
    for (const [b, bound] of bounds.entries())
      add(`${name}_bucket`, { path, le: String(bound) }, Math.round(counts[b]));
    add(`${name}_bucket`, { path, le: '+Inf' }, Math.round(latency.count));
    add(`${name}_count`, { path }, Math.round(latency.count));
    add(`${name}_sum`, { path }, rounded(latency.sum, 4));
  }
}
