/** The statechart of an alert, with the number of alerts in each state. */
import type { ActorsFrame } from '../../server/server-answers.ts';
import type { ChartLayout } from './chart-layout.ts';
import { Statechart } from './statechart.ts';

/** Whether rules are evaluated, so that there can be alerts. */
export const hasAlertRules = ({ alerts }: ActorsFrame): boolean =>
  alerts !== undefined && Object.keys(alerts).length > 0;

export class AlertStatechart {
  readonly element: SVGElement;
  private readonly chart: Statechart;

  constructor(layout: ChartLayout) {
    this.chart = new Statechart(layout, 'Statechart of an alert, with the number of alerts in each state');
    this.element = this.chart.element;
  }

  showFrame({ alerts = {} }: ActorsFrame): void {
    this.chart.showCounts(alerts);
    this.chart.showActive(
      Object.entries(alerts)
        .filter(([, count]) => count > 0)
        .map(([state]) => `alert.${state}`),
    );
  }

  /** Lights the arrows whose totals have grown since the last call, and shows their rate per second. */
  showTransitions(totals: ActorsFrame['transitions'], now: number): void {
    this.chart.showTransitions(totals, now);
  }
}
