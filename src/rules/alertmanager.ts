/** Sends alerts to Alertmanager: `POST /api/v2/alerts`. */
import { textOf } from '../model/errors.ts';
import { fastFingerprint, fingerprintText } from '../model/fingerprint.ts';
import { invalidOption } from '../model/invalid-option.ts';
import type { Labels } from '../model/labels.ts';
import type { Clock } from '../ports/clock.ts';
import { type DeliveryCounts, noDeliveries } from './delivery-counts.ts';

export interface AlertmanagerOptions {
  /** The address, such as `http://127.0.0.1:9093`; a path in front of `/api/v2/alerts` is kept. */
  readonly url: string;
  /** Headers of each request, such as `authorization`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** An alert as Alertmanager takes it; the times are text in RFC 3339. */
export interface SentAlert {
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly startsAt: string;
  /** When the alert ended, or when it counts as ended if it is not sent again. */
  readonly endsAt: string;
  readonly generatorURL: string;
}

/** An answer that is no success. Like every error of sending, it does not repeat the address, which its receiver knows. */
class AnswerError extends Error {
  override readonly name = 'AnswerError';
}

const TIMEOUT_MS = 10_000;
/** Alerts in one request. */
const ALERTS_MAX = 256;

export class Alertmanager {
  readonly url: string;
  /** Name of the durable subscription; equal for equal addresses. */
  readonly name: string;
  readonly counts: DeliveryCounts;
  private readonly headers: Readonly<Record<string, string>>;
  private readonly clock: Clock;

  constructor(given: string | AlertmanagerOptions, clock: Clock) {
    const { url, headers } = typeof given === 'string' ? { url: given, headers: {} } : given;
    let parsed: URL;
    try {
      parsed = new URL(url);
    } catch (error) {
      throw invalidOption('alertmanagers', url, 'addresses such as http://127.0.0.1:9093', error);
    }
    if (!/^https?:$/.test(parsed.protocol)) throw invalidOption('alertmanagers', url, 'addresses with http or https');
    this.url = `${parsed.href.replace(/\/+$/, '')}/api/v2/alerts`;
    const halves = new Int32Array(2);
    fastFingerprint(['url', this.url], halves);
    this.name = `rules.alertmanager.${fingerprintText(halves[0], halves[1])}`;
    // A password in the address must not be in a metric.
    this.counts = noDeliveries(`${parsed.origin}${parsed.pathname}`.replace(/\/+$/, ''));
    this.headers = headers ?? {};
    this.clock = clock;
  }

  /**
   * Resolves when Alertmanager has taken the alerts, or has refused them for good: sending them again would not help, so
   * `onRefused` gets the reason. Rejects when they must be sent again.
   */
  async send(alerts: readonly SentAlert[], signal: AbortSignal, onRefused: (error: Error) => void): Promise<void> {
    for (let i = 0; i < alerts.length; i += ALERTS_MAX)
      await this.post(alerts.slice(i, i + ALERTS_MAX), signal, onRefused);
  }

  private async post(
    alerts: readonly SentAlert[],
    signal: AbortSignal,
    onRefused: (error: Error) => void,
  ): Promise<void> {
    const timeout = new AbortController();
    const timer = this.clock.setTimeout(() => timeout.abort(), TIMEOUT_MS);
    try {
      const response = await fetch(this.url, {
        method: 'POST',
        headers: { ...this.headers, 'content-type': 'application/json' },
        body: JSON.stringify(alerts),
        signal: AbortSignal.any([signal, timeout.signal]),
      });
      const answer = (await response.text()).slice(0, 500);
      if (response.ok) {
        this.counts.sent += alerts.length;
        return;
      }
      const error = new AnswerError(`${response.status} ${answer}`.trimEnd());
      // The request itself is wrong. Other alerts must not wait for it.
      if (response.status === 429 || response.status >= 500) throw error;
      this.counts.dropped += alerts.length;
      onRefused(error);
    } catch (error) {
      if (!signal.aborted) this.counts.failed += alerts.length;
      if (error instanceof AnswerError) throw error;
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
      throw new Error(timeout.signal.aborted ? 'no answer in time' : `no answer: ${textOf(cause)}`, { cause: error });
    } finally {
      this.clock.clearTimeout(timer);
    }
  }
}
