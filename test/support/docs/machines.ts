/** docs/machines.md: the statecharts as diagrams and tables, read out of the machines. */
import type { AnyStateMachine } from 'xstate';
import {
  eventLabel,
  type MachineState,
  type MachineTransition,
  machines,
  machineToMermaid,
  statesOf,
  transitionsOf,
} from '../../../src/machine-export.ts';
import { markdownTable } from './markdown-table.ts';

export const file = 'docs/machines.md';

const chapters: readonly { readonly title: string; readonly machine: AnyStateMachine; readonly intro: string }[] = [
  {
    title: 'A series',
    machine: machines.series,
    intro: `Every series is an actor of this machine, [machines/series.machine.ts](../machines/series.machine.ts). At rest it is a
row of columns; its actor is made from the row when an event arrives and let go when it has come to rest, so a hundred
thousand series cost a hundred thousand rows. Samples do not pass through it: one event is one visit of the maintenance
sweep, or one thing that changes the life of the series.

What comes while a file call is running is remembered as a sub-state and done when the call has ended, so that there is
one call at a time for a file.

| tag | meaning |
|---|---|
| \`writable\` | takes samples; without it, a fresh sample starts a new series |
| \`listed\` | queries and listings show it |
| \`onDisk\` | everything is in the series file, nothing in memory |
| \`busy\` | a call is running; the actor stays awake until it ends |
| \`resident\` | has a row of its own also while nobody looks at it |`,
  },
  {
    title: 'The store',
    machine: machines.store,
    intro: `One actor of this machine, [machines/store.machine.ts](../machines/store.machine.ts), lives as long as the store:
\`store.actor\`. While the store runs, five regions are active at the same time, each in one of its states.

| tag | meaning |
|---|---|
| \`running\` | open for everything but what the other tags take away |
| \`rushed\` | maintenance goes as fast as it can |
| \`throttled\` | takes no samples until pressure falls: \`TIDEMARK_THROTTLED\` |
| \`readOnly\` | takes no samples: \`TIDEMARK_READ_ONLY\` |
| \`indexingBehind\` | new series wait until the indexing queue has drained |
| \`clockDoubted\` | nothing is dropped or archived because of its age |
| \`busy\` | a checkpoint is being written |`,
  },
];

const preface = `# The statecharts

Everything that changes the life of a series, or of the store, is decided by one of two statecharts. They are plain
XState machines: paste their files into the Stately visualizer, print them with \`tidemark machines\`, or watch them live
on the Actors page of \`tidemark serve\`.

The tables read as follows. Of several rows with the same state and event, the first whose guard holds is taken. An
event that a state does not list is handled by the state around it, and ignored if that does not list it either. *done*
and *failed* are the outcomes of a call. A row without a target stays where it is.`;

export const generate = (): string => `${[preface, ...chapters.map(chapter)].join('\n\n')}\n`;

const chapter = ({ title, machine, intro }: (typeof chapters)[number]): string =>
  [
    `## ${title}`,
    intro,
    `\`\`\`mermaid\n${machineToMermaid(machine)}\`\`\``,
    `Mermaid draws no arrows between sub-states of different states; they are drawn between the states around them. The
table has the exact ones.`,
    '### States',
    markdownTable(['state', 'tags', 'calls', 'meaning'], statesOf(machine).map(stateRow)),
    '### Transitions',
    markdownTable(['state', 'event', 'guard', 'actions', 'target'], transitionsOf(machine).map(transitionRow)),
  ].join('\n\n');

const code = (text: string): string => (text === '' ? '' : `\`${text}\``);

const stateRow = ({ path, tags, calls, description, type }: MachineState): string[] => [
  code(path),
  tags.map(code).join(' '),
  calls.map(code).join(' '),
  [description ?? '', type === 'final' ? 'Final.' : ''].join(' ').trim(),
];

const transitionRow = ({ source, event, guard, actions, target }: MachineTransition): string[] => [
  code(source),
  eventLabel(event),
  code(guard ?? ''),
  actions.map(code).join(', '),
  code(target ?? ''),
];
