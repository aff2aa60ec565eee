/** What the server knows of metrics: type, help, unit. */
import { ask } from '../../server/ask-server.ts';
import type { MetricMetadata } from '../../server/server-answers.ts';

export class KnownMetrics {
  private all: Readonly<Record<string, readonly MetricMetadata[]>> = {};

  async load(signal: AbortSignal): Promise<void> {
    this.all = await ask('/api/v1/metadata', {}, signal).catch(() => this.all);
  }

  /** Of a part of a histogram or summary, what is known of the whole. */
  of(name: string): MetricMetadata | undefined {
    const whole = name.replace(/_(?:bucket|sum|count|total)$/, '');
    return (Object.hasOwn(this.all, name) ? this.all[name] : Object.hasOwn(this.all, whole) ? this.all[whole] : [])[0];
  }

  /** `counter: how many requests were answered.`; empty if nothing is known. */
  sentenceOf(name: string): string {
    const known = this.of(name);
    if (known === undefined) return '';
    const type = known.type === '' || known.type === 'unknown' ? '' : known.type;
    return [type, known.help].filter((text) => text !== '').join(': ');
  }
}
