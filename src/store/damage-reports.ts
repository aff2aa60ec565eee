/**
 * Reports of damaged series on their way to the statecharts. A query over many damaged files finds them faster than
 * files can be moved, so the reports wait here, one for each series at most, and are passed on as calls find room.
 * None is dropped for want of room: what the queue can hold is bounded by the series that there are.
 */
import { fingerprintText } from '../model/fingerprint.ts';

export interface DamageReport {
  readonly high: number;
  readonly low: number;
  readonly reason: string;
}

export interface DamageReportsParts {
  /** Resolves when another series may change. */
  readonly room: () => Promise<void>;
  /** Tells the series' statechart. */
  readonly pass: (report: DamageReport) => void;
  readonly onError: (error: unknown) => void;
}

export class DamageReports {
  private readonly parts: DamageReportsParts;
  /** By fingerprint, oldest first: damage that is found again while it waits is the same. */
  private readonly reports = new Map<string, DamageReport>();
  private passing: Promise<void> | undefined;

  constructor(parts: DamageReportsParts) {
    this.parts = parts;
  }

  /** Reports that wait. */
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
