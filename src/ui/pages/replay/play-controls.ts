/** The buttons below the axis: to an event, play, speed, breakpoints. */
import type { AskedStops } from '../../../timeline/replay-book.ts';
import type { SeriesStateName } from '../../../timeline/state-changes.ts';
import { h, setText } from '../../parts/elements.ts';
import { hasStops, type Speed, speeds } from './replay-view.ts';

const stopStates: readonly SeriesStateName[] = ['persisting', 'archived', 'quarantined', 'purged'];

interface PlayActions {
  readonly onStep: (step: -1 | 1 | 'first' | 'last') => void;
  readonly onPlay: () => void;
  readonly onSpeed: (speed: Speed) => void;
  readonly onStops: (stops: AskedStops) => void;
}

export class PlayControls {
  readonly element: HTMLElement;
  private readonly actions: PlayActions;
  private readonly playButton: HTMLButtonElement;
  private readonly first: HTMLButtonElement;
  private readonly back: HTMLButtonElement;
  private readonly next: HTMLButtonElement;
  private readonly lastButton: HTMLButtonElement;
  private readonly speed: HTMLSelectElement;
  private readonly stopsTitle = h('summary', {}, 'Breakpoints');
  private readonly stopTypes = h('select', { 'aria-label': 'Stop at a type of event' });
  private readonly stopState: HTMLSelectElement;
  private readonly stopSeries = h('input', {
    type: 'search',
    class: 'mono',
    'aria-label': 'Stop at a series',
    placeholder: 'selector or fingerprint',
    spellcheck: 'false',
  });
  private stops: AskedStops = { types: [], match: '', states: [] };

  constructor(actions: PlayActions) {
    this.actions = actions;
    const button = (text: string, title: string, onclick: () => void): HTMLButtonElement =>
      h('button', { type: 'button', title, 'aria-label': title, onclick }, text);
    this.first = button('First', 'First event of the list', () => actions.onStep('first'));
    this.back = button('Back', 'Back one event', () => actions.onStep(-1));
    this.next = button('Next', 'Next event of the list', () => actions.onStep(1));
    this.lastButton = button('Last', 'Last event of the list', () => actions.onStep('last'));
    this.playButton = h('button', { type: 'button', onclick: () => actions.onPlay() }, 'Play');
    this.speed = h(
      'select',
      { 'aria-label': 'Speed', onchange: () => actions.onSpeed(this.speed.value as Speed) },
      ...speeds.map(([value, text]) => h('option', { value }, text)),
    );
    this.stopState = h(
      'select',
      { 'aria-label': 'Stop at a state' },
      h('option', { value: '' }, 'any state'),
      ...stopStates.map((state) => h('option', { value: state }, state)),
    );
    for (const field of [this.stopTypes, this.stopState, this.stopSeries])
      field.addEventListener('change', () => this.readStops());
    this.element = h(
      'div',
      { class: 'row play-controls' },
      this.first,
      this.back,
      this.playButton,
      this.next,
      this.lastButton,
      this.speed,
      h(
        'details',
        { class: 'menu' },
        this.stopsTitle,
        h(
          'div',
          { class: 'popover fields breakpoints' },
          h('p', { class: 'soft small' }, 'Playing stops at the first event for which one of these holds.'),
          h('label', {}, 'Type', this.stopTypes),
          h('label', {}, 'State', this.stopState),
          h('label', {}, 'Series', this.stopSeries),
          h('button', { type: 'button', onclick: () => actions.onStops({ types: [], match: '', states: [] }) }, 'None'),
        ),
      ),
    );
  }

  show(speed: Speed, stops: AskedStops, types: readonly string[]): void {
    this.stops = stops;
    this.speed.value = speed;
    const [type = ''] = stops.types;
    const names = [...new Set([...types, ...stops.types])].sort();
    if (
      [...this.stopTypes.options]
        .slice(1)
        .map(({ value }) => value)
        .join() !== names.join()
    )
      this.stopTypes.replaceChildren(
        h('option', { value: '' }, 'any type'),
        ...names.map((name) => h('option', { value: name }, name)),
      );
    this.stopTypes.value = type;
    this.stopState.value = stops.states[0] ?? '';
    if (document.activeElement !== this.stopSeries) this.stopSeries.value = stops.match;
    const active = [...stops.types, ...stops.states, ...(stops.match === '' ? [] : [stops.match])];
    setText(this.stopsTitle, hasStops(stops) ? `Breakpoints: ${active.join(', ')}` : 'Breakpoints');
    this.stopsTitle.classList.toggle('on', hasStops(stops));
  }

  showPlaying(isPlaying: boolean): void {
    setText(this.playButton, isPlaying ? 'Pause' : 'Play');
  }

  showEnds({ isFirst, isLast, isEmpty }: { isFirst: boolean; isLast: boolean; isEmpty: boolean }): void {
    // A button that has the focus would lose it if it were disabled.
    for (const button of [this.first, this.back]) button.ariaDisabled = String(isFirst || isEmpty);
    this.next.ariaDisabled = String(isLast || isEmpty);
    this.lastButton.ariaDisabled = String(isEmpty);
  }

  private readStops(): void {
    const types = this.stopTypes.value === '' ? [] : [this.stopTypes.value];
    const states = this.stopState.value === '' ? [] : [this.stopState.value as SeriesStateName];
    this.stops = { types, states, match: this.stopSeries.value.trim() };
    this.actions.onStops(this.stops);
  }
}
