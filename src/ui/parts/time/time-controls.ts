/** The range of time: buttons for ranges that end now, fields for any other, zooming out and back, the time zone. */
import type { TimeRange } from '../chart/chart.ts';
import { segments, toggle } from '../controls.ts';
import { h, setText } from '../elements.ts';
import { durationMs } from '../text/duration-text.ts';
import { formatTime, parseTimeText, zoneName } from '../text/time-text.ts';
import { isLive, ranges, shownRange, type TimeView } from './time-view.ts';

type Changes = Partial<TimeView>;

/** A time as the fields take it, in milliseconds: a date, or `now`, `now-2h`, seconds since the epoch. */
const parseField = (text: string): number | undefined => {
  const trimmed = text.trim();
  if (trimmed === 'now') return Date.now();
  const ago = /^now\s*-\s*(\S+)$/.exec(trimmed)?.[1];
  if (ago !== undefined) {
    const duration = durationMs(ago);
    return duration === undefined ? undefined : Date.now() - duration;
  }
  if (/^-?\d+(?:\.\d+)?$/.test(trimmed)) return Math.round(Number(trimmed) * 1000);
  return parseTimeText(trimmed);
};

export class TimeControls {
  readonly element: HTMLElement;
  private view: TimeView;
  private readonly onChange: (changes: Changes) => void;
  private readonly presets;
  private readonly live: HTMLButtonElement;
  private readonly zone = h('button', {
    type: 'button',
    title: 'Show times in UTC, or in the time zone of this browser',
    onclick: () => this.onChange({ utc: !this.view.utc }),
  });
  private readonly back = h(
    'button',
    { type: 'button', title: 'What was shown before', onclick: () => history.back() },
    'Back',
  );
  private readonly from = h('input', { type: 'text', size: '23', 'aria-label': 'From' });
  private readonly through = h('input', { type: 'text', size: '23', 'aria-label': 'Through' });
  private readonly mistake = h('p', { class: 'failure', role: 'alert', hidden: true });
  private readonly title = h('summary', {}, 'Range');
  private readonly fields: HTMLDetailsElement;

  /** `hasLive`: there is a button that follows what is appended. */
  constructor(view: TimeView, onChange: (changes: Changes) => void, { hasLive = true } = {}) {
    this.view = view;
    this.onChange = onChange;
    this.presets = segments('Time range', ranges, '', (range) => onChange({ range, fixed: undefined }));
    this.live = toggle('Live', isLive(view), (live) => onChange({ live, fixed: undefined }), 'Follow what is appended');
    this.fields = this.rangeFields();
    this.element = h(
      'div',
      { class: 'row time-controls', role: 'group', 'aria-label': 'Time' },
      this.presets.element,
      this.fields,
      this.step('Zoom out', 'Twice the range of time', () => this.scaled(2)),
      this.step('Earlier', 'Half a range earlier', () => this.moved(-0.5)),
      this.step('Later', 'Half a range later', () => this.moved(0.5)),
      this.back,
      hasLive && this.live,
      this.zone,
    );
    this.show(view, false);
  }

  /** `hasBefore`: there is a view to go back to. */
  show(view: TimeView, hasBefore: boolean): void {
    this.view = view;
    this.back.disabled = !hasBefore;
    this.presets.show(view.fixed === undefined ? view.range : '');
    this.live.setAttribute('aria-pressed', String(isLive(view)));
    setText(this.zone, zoneName());
    const isPreset = view.fixed === undefined && ranges.some(([name]) => name === view.range);
    setText(this.title, view.fixed !== undefined ? 'Range: fixed' : isPreset ? 'Range' : `Range: last ${view.range}`);
    this.title.classList.toggle('on', !isPreset);
  }

  private step(text: string, title: string, target: () => TimeRange): HTMLElement {
    return h('button', { type: 'button', title, onclick: () => this.onChange({ fixed: target(), live: false }) }, text);
  }

  private scaled(factor: number): TimeRange {
    const [from, through] = shownRange(this.view);
    const more = ((through - from) * (factor - 1)) / 2;
    // Of a range that ends now, nothing is after the end.
    const isNow = this.view.fixed === undefined;
    return isNow ? [Math.round(from - 2 * more), through] : [Math.round(from - more), Math.round(through + more)];
  }

  private moved(share: number): TimeRange {
    const [from, through] = shownRange(this.view);
    const by = Math.round((through - from) * share);
    return [from + by, through + by];
  }

  private rangeFields(): HTMLDetailsElement {
    const form = h(
      'form',
      {
        class: 'popover fields',
        onsubmit: (event) => {
          event.preventDefault();
          this.apply();
        },
      },
      h('label', {}, 'From', this.from),
      h('label', {}, 'Through', this.through),
      h('p', { class: 'soft small' }, 'A date such as 2026-01-31 12:00, seconds since the epoch, now, or now-2h.'),
      this.mistake,
      h('button', { type: 'submit' }, 'Show this range'),
    );
    const menu: HTMLDetailsElement = h(
      'details',
      {
        class: 'menu',
        onkeydown: (event) => {
          if (!(event instanceof KeyboardEvent) || event.key !== 'Escape') return;
          menu.open = false;
          this.title.focus();
        },
      },
      this.title,
      form,
    );
    // The event of a toggle comes later: it could overwrite what is typed by then.
    this.title.addEventListener('click', () => {
      if (!menu.open) this.fill();
    });
    return menu;
  }

  private fill(): void {
    const { fixed, range } = this.view;
    this.from.value = fixed === undefined ? `now-${range}` : formatTime(fixed[0]);
    this.through.value = fixed === undefined ? 'now' : formatTime(fixed[1]);
    this.mistake.hidden = true;
  }

  private apply(): void {
    const [from, through] = [parseField(this.from.value), parseField(this.through.value)];
    const wrong = from === undefined ? this.from.value : through === undefined ? this.through.value : undefined;
    if (from === undefined || through === undefined) {
      this.complain(`“${wrong}” is no time.`);
      return;
    }
    if (from >= through) {
      this.complain('The range ends before it begins.');
      return;
    }
    this.fields.open = false;
    const ago = /^now\s*-\s*(\S+)$/.exec(this.from.value.trim())?.[1];
    if (ago !== undefined && this.through.value.trim() === 'now') this.onChange({ range: ago, fixed: undefined });
    else this.onChange({ fixed: [from, through], live: false });
  }

  private complain(text: string): void {
    this.mistake.hidden = false;
    setText(this.mistake, text);
  }
}
