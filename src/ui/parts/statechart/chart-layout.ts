/**
 * The computed layout of a statechart: boxes for states, polylines and labels for transitions. Written by the generator of
 * `public/machines/*.json`, drawn by the pages.
 */

export type Point = readonly [x: number, y: number];

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** One line of an arrow's label: the transitions that read the same. */
export interface TransitionLabel {
  /** `source|event|target`, as the server counts transitions. */
  readonly keys: readonly string[];
  /** One or two lines. */
  readonly text: string;
}

export interface StateBox extends Box {
  /** The state's id in the machine, `series.archived.resting`. */
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly description?: string;
  readonly tags: readonly string[];
  /** Transitions that stay in the state: they have no arrow. */
  readonly internal: readonly TransitionLabel[];
}

export interface EdgeLine {
  readonly source: string;
  readonly target: string;
  readonly points: readonly Point[];
  readonly label: Box;
  readonly transitions: readonly TransitionLabel[];
}

export interface ChartLayout {
  readonly id: string;
  readonly width: number;
  readonly height: number;
  readonly states: readonly StateBox[];
  readonly initials: readonly { readonly x: number; readonly y: number; readonly points: readonly Point[] }[];
  readonly edges: readonly EdgeLine[];
}

/** The top-level states, and every state. */
export interface DeepLayout {
  readonly overview: ChartLayout;
  readonly full: ChartLayout;
}

export interface StoreLayout {
  readonly overview: ChartLayout;
  /** The regions of the running store. */
  readonly regions: readonly ChartLayout[];
}
