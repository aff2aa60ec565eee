/**
 * A queue of damaged series for their statecharts. A query over many damaged files finds them faster than the files can
 * be moved. So reports wait here, at most one per series, and are passed on as file calls become possible. No report is
 * dropped: the number of series bounds the queue.
 */
import { fingerprintText } from '../model/fingerprint.ts';

export interface DamageReport {
  readonly high: number;
  readonly low: number;
  readonly reason: string;
}

export interface DamageReportsParts {
  /** Resolves when another file call may start. */
  readonly room: () => Promise<void>;
  /** Sends the report to the series' statechart. */
  readonly pass: (report: DamageReport) => void;
  readonly onError: (error: unknown) => void;
}

export class DamageReports {
  private readonly parts: DamageReportsParts;
  /** Reports by fingerprint, oldest first. A second report for a series that waits is ignored. */
  private readonly reports = new Map<string, DamageReport>();
  private passing: Promise<void> | undefined;

  constructor(parts: DamageReportsParts) {
    this.parts = parts;
  }

  /** Number of waiting reports. */
  get waiting(): number {
    return this.reports.size;
  }

  add(report: DamageReport): void {
    const key = fingerprintText(report.high, report.low);
    if (!this.reports.has(key)) this.reports.set(key, report);
    this.passing ??= this.passAll();
  }

  /** Resolves when every report has been passed on. */
  async idle(): Promise<void> {
    await this.passing;
  }

  private async passAll(): Promise<void> {
    for (const [key, report] of this.reports) {
      try {
        await this.parts.room();
        this.parts.pass(report);
      } catch (error) {
        this.parts.onError(error);
      }
      this.reports.delete(key);
    }
    this.passing = undefined;
  }
}
