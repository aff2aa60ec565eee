/** How many notifications a receiver of alerts got. A firing alert that is sent again is a notification of its own. */

export interface DeliveryCounts {
  /** What receives the alerts: `onAlert`, or the address of an Alertmanager. */
  readonly receiver: string;
  /** Notifications that the receiver took. */
  sent: number;
  /** Notifications that the receiver did not take; they are sent again. */
  failed: number;
  /** Notifications that the receiver refused for good. */
  dropped: number;
}

export const noDeliveries = (receiver: string): DeliveryCounts => ({ receiver, sent: 0, failed: 0, dropped: 0 });
